package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	proofRow  = regexp.MustCompile("(?m)^\\| [^|]+ \\| `([a-z/]+)` \\| (`Test[^|]*) \\|$")
	proofName = regexp.MustCompile("`(Test\\w+)`")
)

func TestEveryProofExists(t *testing.T) {
	t.Parallel()
	_, proofs, _ := strings.Cut(read(t, "semantics.md"), "\n## Proofs\n")
	rows := proofRow.FindAllStringSubmatch(proofs, -1)
	if want := strings.Count(proofs, "\n| ") - 1; len(rows) != want {
		t.Errorf("%d of %d rows were understood", len(rows), want)
	}
	for _, row := range rows {
		source := testSource(t, filepath.Join("..", row[1]))
		for _, name := range proofName.FindAllStringSubmatch(row[2], -1) {
			if !strings.Contains(source, "\nfunc "+name[1]+"(t *testing.T) {") {
				t.Errorf("package %s has no %s", row[1], name[1])
			}
		}
	}
}

// testSource is the text of a package's tests.
func testSource(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	return source.String()
}
