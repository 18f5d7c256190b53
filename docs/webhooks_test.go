package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/webhook"
)

func TestWebhooksShowConfigsThatLoad(t *testing.T) {
	t.Parallel()
	app := "apps:\n  ops: {corp_id: ww0123456789abcdef, agent_id: 1000002, secret: s3cret}\n"
	routes, sources := 0, 0
	for _, block := range blocks(t, "webhooks.md", "yaml") {
		if !strings.HasPrefix(block, "# wecomq.yaml\n") {
			continue
		}
		file := filepath.Join(t.TempDir(), "wecomq.yaml")
		if err := os.WriteFile(file, []byte(app+block), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(file, os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		routes, sources = routes+len(cfg.Gateway.Webhooks.Routes), sources+len(cfg.Gateway.Webhooks.Sources)
	}
	if routes != 3 || sources != 3 {
		t.Errorf("%d routes and %d sources, want 3 of each", routes, sources)
	}
}

func TestWebhooksNameEveryPreset(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"webhooks.md", "../wecomq.example.yaml"} {
		for _, preset := range webhook.Presets() {
			if !strings.Contains(read(t, file), preset) {
				t.Errorf("%s does not name the preset %s", file, preset)
			}
		}
	}
}

func TestWebhooksShowATemplateThatWorks(t *testing.T) {
	t.Parallel()
	text := read(t, "webhooks.md")
	_, text, _ = strings.Cut(text, "```\n{{range")
	source, _, _ := strings.Cut("{{range"+text, "```")
	if err := webhook.CheckTemplate("markdown", webhook.Template{File: "webhooks.md", Source: source}); err != nil {
		t.Error(err)
	}
}
