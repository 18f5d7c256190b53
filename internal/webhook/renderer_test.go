package webhook_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
)

var update = flag.Bool("update", false, "write the golden files anew")

func newRenderer(tb testing.TB, cfg webhook.Config) *webhook.Renderer {
	tb.Helper()
	renderer, err := webhook.NewRenderer(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return renderer
}

// inChina is the default config with times in China's zone.
func inChina() webhook.Config {
	cfg := webhook.DefaultConfig()
	cfg.Timezone = "Asia/Shanghai"
	return cfg
}

func TestBuiltInTemplates(t *testing.T) {
	t.Parallel()
	renderer := newRenderer(t, inChina())
	for _, name := range []string{"alertmanager_v4_firing_0.34.json", "alertmanager_v4_resolved_0.34.json", "grafana_webhook.json"} {
		n, err := webhook.Parse(sample(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range webhook.Types() {
			t.Run(name+" as "+string(kind), func(t *testing.T) {
				t.Parallel()
				rendered, err := renderer.RenderStrictly(n, kind)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, strings.TrimSuffix(name, ".json")+"."+string(kind)+".golden", rendered.Request)
			})
		}
	}
}

// golden compares a message with a file.
func golden(t *testing.T, name string, request message.Request) {
	t.Helper()
	body, err := message.Encode(request)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(members); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// alertOf makes an alert with a long text.
func alertOf(name, severity string, text int) webhook.Alert {
	return webhook.Alert{
		Status: webhook.Firing, Labels: map[string]string{"alertname": name, "severity": severity},
		Annotations: map[string]string{"summary": strings.Repeat("汉", text)}, Fingerprint: name, StartsAt: time.Unix(0, 0),
	}
}

func TestWhatDoesNotFitIsCounted(t *testing.T) {
	t.Parallel()
	cfg := inChina()
	cfg.Templates = map[string]webhook.Template{"text": {File: "t", Source: "{{range .Alerts}}[{{.Name}} {{.Summary}}]{{end}}"}}
	renderer := newRenderer(t, cfg)
	tests := map[string]struct {
		n    webhook.Notification
		want string
	}{
		"all, if they fit": {
			webhook.Notification{Alerts: []webhook.Alert{alertOf("a", "info", 3), alertOf("b", "critical", 3)}},
			"[b 汉汉汉][a 汉汉汉]",
		},
		"what the source left out": {
			webhook.Notification{Alerts: []webhook.Alert{alertOf("a", "", 1)}, Truncated: 7},
			"[a 汉]\n…还有 7 条 (+7 more)",
		},
		"texts are shortened before alerts are left out": {
			webhook.Notification{Alerts: []webhook.Alert{alertOf("a", "error", 500), alertOf("b", "warning", 500)}},
			"[a " + strings.Repeat("汉", 199) + "…][b " + strings.Repeat("汉", 199) + "…]",
		},
		"the least are left out": {
			webhook.Notification{Alerts: []webhook.Alert{
				alertOf("g", "info", 80), alertOf("f", "warning", 80), alertOf("e", "warning", 80), alertOf("d", "error", 80),
				alertOf("c", "error", 80), alertOf("b", "critical", 80), alertOf("a", "critical", 80),
				alertOf("h", "", 80), alertOf("i", "none", 80),
			}, Truncated: 1},
			"[a " + strings.Repeat("汉", 80) + "][b " + strings.Repeat("汉", 80) + "][c " + strings.Repeat("汉", 80) + "][d " + strings.Repeat("汉", 80) +
				"][e " + strings.Repeat("汉", 80) + "][f " + strings.Repeat("汉", 80) + "][g " + strings.Repeat("汉", 80) + "][h " + strings.Repeat("汉", 80) +
				"]\n…还有 2 条 (+2 more): i",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered, err := renderer.RenderStrictly(tt.n, message.TypeText)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, textOf(rendered.Request)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATemplateThatSaysTooMuchIsCut(t *testing.T) {
	t.Parallel()
	cfg := inChina()
	cfg.Templates = map[string]webhook.Template{
		"markdown": {File: "m", Source: `<font color="info">` + strings.Repeat("汉字", 400) + `</font>{{range .Alerts}}{{.Name}}{{end}}`},
	}
	renderer := newRenderer(t, cfg)
	n := webhook.Notification{Alerts: []webhook.Alert{alertOf("a", "", 80), alertOf("b", "", 80)}}
	rendered, err := renderer.RenderStrictly(n, message.TypeMarkdown)
	if err != nil {
		t.Fatal(err)
	}
	text := textOf(rendered.Request)
	if !strings.HasSuffix(text, "…</font>\n…还有 1 条 (+1 more): b") || len(text) < message.MaxMarkdownBytes-6 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestForeignTextCannotBecomeMarkup(t *testing.T) {
	t.Parallel()
	renderer := newRenderer(t, inChina())
	evil := `</font><font color="info">ok</font> <a href="http://evil">x</a> <div class="highlight"> 5 < 6 <95%`
	n := webhook.Notification{
		Receiver: evil, ExternalURL: "javascript:alert(1)",
		Alerts: []webhook.Alert{{
			Status: webhook.Firing, Fingerprint: "f",
			Labels:       map[string]string{"alertname": evil, "path": "[click](http://evil)\n# big", "<b>": evil, "severity": evil},
			Annotations:  map[string]string{"summary": evil + "\x00\x1b[31m", "description": evil, "runbook_url": "http://a/b)<font>"},
			GeneratorURL: "http://a/b) [x](http://evil) <font",
		}},
	}
	for _, kind := range webhook.Types() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rendered, err := renderer.Render(n, kind)
			if err != nil {
				t.Fatal(err)
			}
			body, err := message.Encode(rendered.Request)
			if err != nil {
				t.Fatal(err)
			}
			text := string(body)
			for _, bad := range []string{`</font><font color=\"info\">ok`, "<a", "<b", `<div class=\"highlight\"> 5`, "](http://evil", "javascript", `\u0000`, `\u001b`, "\n#"} {
				if strings.Contains(text, bad) {
					t.Errorf("%q stands in %s", bad, text)
				}
			}
			if !strings.Contains(text, "5 < 6") && kind != message.TypeTemplateCard {
				t.Errorf("harmless signs are gone: %s", text)
			}
		})
	}
}

func TestCardThatLeadsNowhereBecomesMarkdown(t *testing.T) {
	t.Parallel()
	renderer := newRenderer(t, inChina())
	n := webhook.Notification{Alerts: []webhook.Alert{alertOf("a", "", 1)}, ExternalURL: "alertmanager:9093"}
	for _, kind := range []message.Type{message.TypeTextCard, message.TypeTemplateCard} {
		rendered, err := renderer.Render(n, kind)
		if err != nil || rendered.Request.Type() != message.TypeMarkdown || rendered.Fallback == nil {
			t.Errorf("%s: %+v, %v", kind, rendered, err)
		}
	}
}

func TestTemplateThatFailsInEarnestIsReplaced(t *testing.T) {
	t.Parallel()
	cfg := inChina()
	cfg.Templates = map[string]webhook.Template{"text": {File: "own.tmpl", Source: `{{range .Alerts}}{{slice .Summary 0 2}}{{end}}`}}
	renderer := newRenderer(t, cfg)
	n := webhook.Notification{Alerts: []webhook.Alert{alertOf("NoSummary", "", 0)}}
	rendered, err := renderer.Render(n, message.TypeText)
	if err != nil || !strings.Contains(textOf(rendered.Request), "NoSummary") {
		t.Fatalf("Render = %+v, %v", rendered, err)
	}
	want := "template text: own.tmpl:1:19: <slice .Summary 0 2>: error calling slice: index out of range: 2"
	if rendered.Fallback == nil || rendered.Fallback.Error() != want {
		t.Errorf("Fallback = %v\nwant %s", rendered.Fallback, want)
	}
}

func TestBadTemplates(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, source, want string }{
		"that do not end":             {"text", "{{if .Title}}\n", "a.tmpl:2: unexpected EOF"},
		"with an unknown function":    {"text", "\n{{now}}", `a.tmpl:2: function "now" not defined`},
		"with an unknown field":       {"text", "\n {{.Titel}}", "a.tmpl:2:3: <.Titel>: there is no field Titel here (there are Source, "},
		"with one in a range":         {"markdown", "{{range .Alerts}}\n{{.Labls}}{{end}}", "a.tmpl:2:2: <.Labls>: there is no field Labls here (there are Status, Name, "},
		"with one in a digest":        {"digest_text", "{{range .Lines}}{{.Nam}}{{end}}", "a.tmpl:1:18: <.Nam>: there is no field Nam here (there are Status, Severity, Color, Name, Who, Count)"},
		"that only define":            {"text", `{{define "x"}}y{{end}}`, "a.tmpl: nothing stands outside of {{define}}: that is what the message will say"},
		"of a card without its parts": {"textcard", `hello`, `a.tmpl: a template of type textcard consists of parts: {{define "title"}}…{{end}}; it can define title, description, url, btntxt`},
		"that call themselves":        {"text", `{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}`, "exceeded maximum template depth"},
		"that write for ever":         {"text", `{{range $i := 1000000}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}`, "a.tmpl: for one alert it writes more than 65536 bytes"},
		"with a bad pattern":          {"text", `{{reReplaceAll "(" "" .Title}}`, "error parsing regexp: missing closing )"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := webhook.CheckTemplate(tt.name, webhook.Template{File: "a.tmpl", Source: tt.source})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CheckTemplate = %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestTemplatesOfAlertmanagerWork(t *testing.T) {
	t.Parallel()
	cfg := inChina()
	cfg.Templates = map[string]webhook.Template{"text": {File: "t", Source: `[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}]` +
		` {{ .GroupLabels.SortedPairs.Values | join " " }}{{ with .CommonLabels.Remove .GroupLabels.Names }} ({{ .Values | join " " }}){{ end }}` +
		`{{ range .Alerts }} {{ .Labels.instance }}{{ .Labels.missing }} {{ .StartsAt | tz "UTC" | date "15:04" }}{{ end }}`}}
	renderer := newRenderer(t, cfg)
	n, err := webhook.Parse(sample(t, "alertmanager_v4_firing_0.28.1.json"))
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := renderer.RenderStrictly(n, message.TypeText)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := textOf(rendered.Request), "[FIRING:1] HighCPU (10.0.0.1:9100 critical) 10.0.0.1:9100 07:58"; got != want {
		t.Errorf("text %s\nwant %s", got, want)
	}
}

// TestEveryNotificationFits draws notifications of all sizes: WeCom accepts the resulting messages, and nothing
// is left out without being counted.
func TestEveryNotificationFits(t *testing.T) {
	t.Parallel()
	cfg := inChina()
	cfg.Templates = map[string]webhook.Template{"text": {File: "t", Source: "{{range .Alerts}}#{{.Summary}}{{end}}"}}
	own, builtin := newRenderer(t, cfg), newRenderer(t, inChina())
	rapid.Check(t, func(t *rapid.T) {
		n := notification(t)
		rendered, err := own.RenderStrictly(n, message.TypeText)
		if err != nil {
			t.Fatal(err)
		}
		if shown := strings.Count(textOf(rendered.Request), "#"); shown+rendered.More != len(n.Alerts)+n.Truncated {
			t.Errorf("%d shown and %d more, want %d", shown, rendered.More, len(n.Alerts)+n.Truncated)
		}
		for _, kind := range webhook.Types() {
			rendered, err := builtin.RenderStrictly(n, kind)
			if err != nil {
				t.Fatal(err)
			}
			if err := message.Validate(message.WithRecipients(rendered.Request, message.Recipients{Users: []string{"a"}})); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	})
}

func notification(t *rapid.T) webhook.Notification {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aé汉🔥 <>/&\n[](){}|\x01")), 0, 600, -1)
	alert := rapid.Custom(func(t *rapid.T) webhook.Alert {
		return webhook.Alert{
			Status:      rapid.SampledFrom([]webhook.Status{webhook.Firing, webhook.Resolved}).Draw(t, "status"),
			Labels:      rapid.MapOfN(rapid.StringN(1, 20, -1), text, 0, 5).Draw(t, "labels"),
			Annotations: map[string]string{"summary": "s" + strings.ReplaceAll(text.Draw(t, "summary"), "#", ""), "description": text.Draw(t, "description")},
			Fingerprint: "f", GeneratorURL: "http://p/" + text.Draw(t, "url"),
		}
	})
	return webhook.Notification{
		Alerts: rapid.SliceOfN(alert, 1, 30).Draw(t, "alerts"), Truncated: rapid.IntRange(0, 3).Draw(t, "truncated"),
		ExternalURL: "http://am",
	}
}
