package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
)

func TestNotificationsShowWhatRuns(t *testing.T) {
	t.Parallel()
	example := read(t, "../internal/notify/example_test.go")
	for _, block := range blocks(t, "notifications.md", "go") {
		if !strings.Contains(example, block) {
			t.Errorf("this is not in internal/notify/example_test.go:\n%s", block)
		}
	}
}

func TestNotificationsShowAConfigThatLoads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	for name, text := range map[string]string{"wecomq.yaml": blocks(t, "notifications.md", "yaml")[0], "builds.whsec": secret + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(filepath.Join(dir, "wecomq.yaml"), func(name string) (string, bool) { return secret, name != "" })
	if err != nil {
		t.Fatal(err)
	}
	app, token := cfg.Apps["ops"].Notify, cfg.Gateway.Tokens[0].Notify
	if app.URL == "" || app.Secret != secret || app.Internal || token.Secret != secret || !token.Internal {
		t.Errorf("app %+v, token %+v", app, token)
	}
}
