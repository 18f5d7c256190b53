package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
)

func TestManyLineBreaksAreNotRepaired(t *testing.T) {
	t.Parallel()
	cfg := webhook.DefaultConfig()
	cfg.Sources = map[webhook.Source]webhook.Mapping{"any": {}}
	sources, renderer := newSources(t, cfg), newRenderer(t, cfg)

	few, err := sources.Parse("any", []byte(`{"a":"x`+"\n"+`y",}`))
	if err != nil || len(few.Notifications) != 1 {
		t.Fatalf("a line break and a comma: %+v, %v", few, err)
	}
	rendered, err := renderer.Render(few.Notifications[0], message.TypeText)
	if text := textOf(rendered.Request); err != nil || text != "【告警】any 触发 1\n\n● any\na: x\ny" {
		t.Errorf("they become %q, %v", text, err)
	}

	many := `{"a":"` + strings.Repeat("\n", 1<<20) + `"}`
	if _, err := sources.Parse("any", []byte(many)); !errors.As(err, new(*webhook.SyntaxError)) {
		t.Errorf("%d bytes with as many line breaks: %v", len(many), err)
	}
}
