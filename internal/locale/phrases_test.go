package locale

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/wecom"
)

func TestEveryPhraseIsStillSaid(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, pattern := range []string{"../../worker/*.go", "../lookup/*.go", "../pacing/*.lua", "../apps/*.go", "../asynqx/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(text)
		}
	}
	for _, p := range phrases {
		if !strings.Contains(code.String(), strings.TrimSuffix(p.english, "%s")) {
			t.Errorf("nothing says %q", p.english)
		}
		if got := Reason(wecom.Chinese, strings.NewReplacer("%s", "x", "%d", "3").Replace(p.english)); strings.ContainsAny(got, "%$") || got == p.english {
			t.Errorf("%q is %q in Chinese", p.english, got)
		}
	}
}
