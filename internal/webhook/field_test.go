package webhook_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
)

// Real webhooks: testdata/field has them, and the messages that they become.
func TestWebhooksFromTheField(t *testing.T) {
	t.Parallel()
	renderer := newRenderer(t, webhook.DefaultConfig())
	long := "http://prom/graph?g0.expr=x"
	for name, says := range map[string][]string{
		"many-labels":              {"critical", "开始: 2026-11-28 10:00:00 +08:00", "还有 ", " 项"},
		"unnamed-annotations":      {"info: The disk sdb2 is running full, 98% used", "value: 98%"},
		"upper-case-annotations":   {"upper-case summary", "desc"},
		"grafana-datasource-error": {"Error: failed to execute query: dial tcp 10.10.10.10:9090: connect: connection refused"},
		"byte-order-mark":          {"bom"},
		"time-zone":                {"2026-11-28 10:00:00 +08:00"},
		"long-link":                {"len 1100", long},
	} {
		n, err := webhook.Parse(sample(t, "field/"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []message.Type{message.TypeMarkdown, message.TypeText} {
			t.Run(name+" as "+string(kind), func(t *testing.T) {
				t.Parallel()
				rendered, err := renderer.RenderStrictly(n, kind)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, "field/"+name+"."+string(kind)+".golden", rendered.Request)
				for _, want := range says {
					if !strings.Contains(textOf(rendered.Request), want) {
						t.Errorf("no %q in %s", want, textOf(rendered.Request))
					}
				}
			})
		}
	}
}

func TestLegacyGrafanaIsNamed(t *testing.T) {
	t.Parallel()
	for _, parse := range []func([]byte) (webhook.Notification, error){webhook.ParseGrafana, webhook.ParseAlertmanager, webhook.Parse} {
		_, err := parse(sample(t, "field/legacy-grafana.json"))
		if _, invalid := errors.AsType[*webhook.InvalidError](err); !invalid || !strings.Contains(err.Error(), "legacy alerting") {
			t.Errorf("error %v", err)
		}
	}
}

// The links of a large group differed in one word only, and so did most of its texts: five of sixty alerts were shown.
func TestALargeGroupNamesWhomItIsAbout(t *testing.T) {
	t.Parallel()
	renderer := newRenderer(t, webhook.DefaultConfig())
	n := webhook.Notification{ExternalURL: "http://am.example:9093"}
	for i := range 60 {
		n.Alerts = append(n.Alerts, webhook.Alert{
			Status: webhook.Firing, Fingerprint: strconv.Itoa(i), StartsAt: time.Unix(1764295200, 0),
			Labels:       map[string]string{"alertname": "NodeDown", "severity": "critical", "instance": fmt.Sprintf("10.0.0.%d:9100", i), "job": "node"},
			Annotations:  map[string]string{"summary": fmt.Sprintf("node %d is down", i), "description": strings.Repeat("d", 200)},
			GeneratorURL: "http://prom.example/graph?g0.expr=" + strings.Repeat("x", 90),
		})
	}
	for _, kind := range []message.Type{message.TypeMarkdown, message.TypeText} {
		rendered, err := renderer.RenderStrictly(n, kind)
		if err != nil {
			t.Fatal(err)
		}
		text := textOf(rendered.Request)
		named, words := 0, 0
		for i := range 60 {
			if strings.Contains(text, fmt.Sprintf("10.0.0.%d:9100", i)) {
				named++
			}
			if strings.Contains(text, fmt.Sprintf("node %d is down", i)) {
				words++
			}
		}
		if words+rendered.More != 60 || words < 25 || named < 55 {
			t.Errorf("%s: %d of 60 say what they are about, %d are named:\n%s", kind, words, named, text)
		}
		for _, want := range []string{"触发 60", "2025-11-28 10:00:00 +08:00", "http://prom.example/graph", "job=node"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", kind, want, text)
			}
		}
	}
}

func TestAnAnnotationIsNotCutInsideALink(t *testing.T) {
	t.Parallel()
	renderer := newRenderer(t, webhook.DefaultConfig())
	n := webhook.Notification{ExternalURL: "http://am.example:9093", Alerts: []webhook.Alert{{
		Status: webhook.Firing, Labels: map[string]string{"alertname": "NodeDown"},
		Annotations: map[string]string{"summary": "down", "description": strings.Repeat("d", 1000) + " https://wiki.example/" + strings.Repeat("x", 50)},
	}}}
	rendered, err := renderer.RenderStrictly(n, message.TypeMarkdown)
	if err != nil || strings.Contains(textOf(rendered.Request), "wiki.example") || !strings.Contains(textOf(rendered.Request), "ddd…") {
		t.Errorf("%v, %s", err, textOf(rendered.Request))
	}
}
