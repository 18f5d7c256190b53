// Package docs_test keeps the documents in step with the program.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
)

var (
	readmes = []string{"../README.md", "../README.zh-CN.md"}

	fence   = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	comment = regexp.MustCompile(`\s+#.*`)
	quoted  = regexp.MustCompile(`(--to-user) \S+ (--text) '[^']*'`)
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are the code blocks of a document in one language.
func blocks(t *testing.T, path, language string) []string {
	t.Helper()
	var found []string
	for _, match := range fence.FindAllStringSubmatch(read(t, path), -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s block", path, language)
	}
	return found
}

func TestReadmesShowTheExampleThatRuns(t *testing.T) {
	t.Parallel()
	example := read(t, "../producer/example_test.go")
	for _, path := range readmes {
		for _, block := range blocks(t, path, "go") {
			if !strings.Contains(example, block) {
				t.Errorf("%s: this is not in producer/example_test.go:\n%s", path, block)
			}
		}
	}
}

func TestReadmesGiveTheSameCommands(t *testing.T) {
	t.Parallel()
	var commands [2][]string
	for i, path := range readmes {
		for _, block := range blocks(t, path, "sh") {
			commands[i] = append(commands[i], quoted.ReplaceAllString(comment.ReplaceAllString(block, ""), "$1 $2"))
		}
	}
	if diff := cmp.Diff(commands[0], commands[1]); diff != "" {
		t.Errorf("%s and %s differ:\n%s", readmes[0], readmes[1], diff)
	}
}

func TestReadmesShowAConfigThatLoads(t *testing.T) {
	t.Parallel()
	for _, path := range readmes {
		file := filepath.Join(t.TempDir(), "wecomq.yaml")
		if err := os.WriteFile(file, []byte(blocks(t, path, "yaml")[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(file, func(string) (string, bool) { return "from the environment", true })
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(cfg.Apps) != 2 {
			t.Errorf("%s: %d apps, want 2", path, len(cfg.Apps))
		}
	}
}

func TestEveryMemberOfAMessageIsDocumented(t *testing.T) {
	t.Parallel()
	const page = "api.md"
	text := read(t, page)
	for _, member := range envelope.Members() {
		if !strings.Contains(text, "| `"+member.Name+"` |") {
			t.Errorf("%s has no row for %s", page, member.Name)
		}
	}
}
