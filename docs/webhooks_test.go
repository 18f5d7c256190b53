package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/webhook"
)

func TestWebhooksShowAConfigThatLoads(t *testing.T) {
	t.Parallel()
	blocks := blocks(t, "webhooks.md", "yaml")
	i := slices.IndexFunc(blocks, func(block string) bool { return strings.HasPrefix(block, "# wecomq.yaml\n") })
	file := filepath.Join(t.TempDir(), "wecomq.yaml")
	app := "apps:\n  ops: {corp_id: ww0123456789abcdef, agent_id: 1000002, secret: s3cret}\n"
	if err := os.WriteFile(file, []byte(app+blocks[i]), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(cfg.Gateway.Webhooks.Routes); n != 3 {
		t.Errorf("%d routes, want 3", n)
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
