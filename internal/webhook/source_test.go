package webhook_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
)

// withPresets is the default config with every preset.
func withPresets(tb testing.TB) webhook.Config {
	tb.Helper()
	cfg := webhook.DefaultConfig()
	cfg.Sources = map[webhook.Source]webhook.Mapping{}
	for _, name := range webhook.Presets() {
		mapping, ok := webhook.Preset(name)
		if !ok {
			tb.Fatalf("preset %s cannot be read", name)
		}
		cfg.Sources[webhook.Source(name)] = mapping
	}
	return cfg
}

func newSources(tb testing.TB, cfg webhook.Config) *webhook.Sources {
	tb.Helper()
	sources, err := webhook.NewSources(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return sources
}

// samplesOf lists the samples of a preset in testdata/sources.
func samplesOf(tb testing.TB, preset string) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "sources", preset+"-*.json"))
	if err != nil || len(files) < 2 {
		tb.Fatalf("preset %s has the samples %v, want at least two; %v", preset, files, err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return files
}

// alertFrom parses a sample with one alert.
func alertFrom(tb testing.TB, sources *webhook.Sources, name string) webhook.Notification {
	tb.Helper()
	report, err := sources.Parse(presetOf(name), sample(tb, "sources/"+name+".json"))
	if err != nil || report.Fault != nil || len(report.Notifications) != 1 {
		tb.Fatalf("%s: %+v %v", name, report, err)
	}
	return report.Notifications[0]
}

// presetOf returns the preset whose sample has this name.
func presetOf(name string) webhook.Source {
	for _, preset := range webhook.Presets() {
		if strings.HasPrefix(name, preset+"-") {
			return webhook.Source(preset)
		}
	}
	return ""
}

func TestPresetsReadWhatTheirSourcesSend(t *testing.T) {
	t.Parallel()
	cfg := withPresets(t)
	sources, renderer := newSources(t, cfg), newRenderer(t, cfg)
	for _, preset := range webhook.Presets() {
		for _, name := range samplesOf(t, preset) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				report, err := sources.Parse(webhook.Source(preset), sample(t, "sources/"+name+".json"))
				if err != nil || report.Fault != nil {
					t.Fatalf("Parse = %v; %v", err, report.Fault)
				}
				goldenText(t, "sources/"+name+".golden", told(t, renderer, report))
			})
		}
	}
}

// told returns the parsed webhook, and the messages that it becomes.
func told(t *testing.T, renderer *webhook.Renderer, report webhook.Report) string {
	t.Helper()
	var b strings.Builder
	if report.Skipped > 0 {
		fmt.Fprintf(&b, "skipped: %d\n", report.Skipped)
	}
	for _, n := range report.Notifications {
		alert := n.Alerts[0]
		fmt.Fprintf(&b, "status: %s\nkey: %s\n", n.Status, n.GroupKey)
		for _, name := range slices.Sorted(maps.Keys(alert.Labels)) {
			fmt.Fprintf(&b, "label %s: %s\n", name, alert.Labels[name])
		}
		if !alert.StartsAt.IsZero() {
			fmt.Fprintf(&b, "starts: %s\n", alert.StartsAt.UTC().Format(time.RFC3339Nano))
		}
		if !alert.EndsAt.IsZero() {
			fmt.Fprintf(&b, "ends: %s\n", alert.EndsAt.UTC().Format(time.RFC3339Nano))
		}
		for _, kind := range webhook.Types() {
			rendered, err := renderer.Render(n, kind)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "--- %s\n", kind)
			if rendered.Fallback == nil { // a card without an address is markdown
				fmt.Fprintln(&b, readable(rendered.Request))
			}
		}
	}
	return b.String()
}

// readable returns the readable text of a message.
func readable(request message.Request) string {
	switch r := request.(type) {
	case message.SendTextCardRequest:
		return strings.Join([]string{r.TextCard.Title, r.TextCard.Description, r.TextCard.URL}, "\n")
	case message.SendTemplateCardRequest:
		card := r.TemplateCard
		return strings.Join([]string{card.Source.Desc, card.MainTitle.Title, card.MainTitle.Desc, card.SubTitleText, card.CardAction.URL}, "\n")
	}
	return textOf(request)
}

// goldenText compares a text with a file.
func goldenText(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestTheEndOfAnAlertIsThatOfItsBeginning(t *testing.T) {
	t.Parallel()
	sources := newSources(t, withPresets(t))
	for begins, ends := range map[string]string{
		"zabbix-problem": "zabbix-recovery", "uptime-kuma-down": "uptime-kuma-up", "gitlab-pipeline-failed": "gitlab-pipeline-success",
		"jenkins-failure": "jenkins-success", "sentry-event-alert": "sentry-issue-resolved", "sentry-plugin": "sentry-issue-resolved",
		"sentry-metric-critical": "sentry-metric-resolved", "nightingale-event": "nightingale-recovered",
		"grafana-legacy-alerting": "grafana-legacy-ok", "grafana-legacy-no-data": "grafana-legacy-ok",
		"jenkins-folder-failure": "jenkins-folder-success",
	} {
		first, last := alertFrom(t, sources, begins), alertFrom(t, sources, ends)
		if first.Status != webhook.Firing || last.Status != webhook.Resolved {
			t.Errorf("%s is %s, %s is %s", begins, first.Status, ends, last.Status)
		}
		if first.GroupKey == "" || first.GroupKey != last.GroupKey || first.Alerts[0].Fingerprint != last.Alerts[0].Fingerprint {
			t.Errorf("%s is about %q, %s about %q", begins, first.GroupKey, ends, last.GroupKey)
		}
		if a, b := first.Alerts[0].Labels["severity"], last.Alerts[0].Labels["severity"]; a != b && begins != "grafana-legacy-no-data" {
			t.Errorf("%s is %s, %s is %s: routes can send them to different people", begins, a, ends, b)
		}
	}
}

// one is the config with a source of the test.
func one(mapping webhook.Mapping) webhook.Config {
	cfg := webhook.DefaultConfig()
	cfg.Sources = map[webhook.Source]webhook.Mapping{"backup": mapping}
	return cfg
}

func TestAMappingMakesAnAlert(t *testing.T) {
	t.Parallel()
	mapping := webhook.Mapping{
		Template: "{{.job}} failed\n\n  {{.output}}\n{{.missing.member}}",
		Name:     "backup of {{.job}}", DedupKey: "{{.job}}/{{.host}}", Resolved: "{{.ok}}", Severity: `{{if gt .tries 2}}critical{{else}}warning{{end}}`,
		StartsAt: "{{.at}}", EndsAt: "{{.at}}", Link: "{{.page}}", Skip: `{{eq .phase "started"}}`,
		Labels: map[string]string{"instance": "{{.host}}", "team": "{{.team}}"},
	}
	sources := newSources(t, one(mapping))
	document := `{"job": "db", "host": "db-1", "tries": 3, "at": 1795830072, "page": "https://backup.example/1", "output": "no space", "ok": %v, "phase": %q, "team": null}`
	report, err := sources.Parse("backup", fmt.Appendf(nil, document, false, "done"))
	if err != nil || report.Fault != nil {
		t.Fatal(err, report.Fault)
	}
	labels := map[string]string{"alertname": "backup of db", "severity": "critical", "instance": "db-1"}
	annotations := map[string]string{"summary": "db failed", "description": "no space"}
	at := time.Unix(1795830072, 0)
	want := webhook.Notification{
		Source: "backup", GroupKey: "db/db-1", Status: webhook.Firing,
		GroupLabels: map[string]string{"alertname": "backup of db"}, CommonLabels: labels, CommonAnnotations: annotations,
		Alerts: []webhook.Alert{{
			Status: webhook.Firing, Labels: labels, Annotations: annotations, StartsAt: at, GeneratorURL: "https://backup.example/1",
			Fingerprint: report.Notifications[0].Alerts[0].Fingerprint,
		}},
	}
	if diff := cmp.Diff([]webhook.Notification{want}, report.Notifications); diff != "" {
		t.Errorf("notification (-want +got):\n%s", diff)
	}
	over, _ := sources.Parse("backup", fmt.Appendf(nil, document, true, "done"))
	if a := over.Notifications[0].Alerts[0]; a.Status != webhook.Resolved || !a.EndsAt.Equal(at) {
		t.Errorf("the end: %+v", a)
	}
	if begun, err := sources.Parse("backup", fmt.Appendf(nil, document, false, "started")); err != nil || begun.Skipped != 1 || len(begun.Notifications) != 0 {
		t.Errorf("what is skipped: %+v %v", begun, err)
	}
}

func TestAnyJSONBecomesAMessageWithoutAMapping(t *testing.T) {
	t.Parallel()
	cfg := one(webhook.Mapping{})
	sources, renderer := newSources(t, cfg), newRenderer(t, cfg)
	for body, says := range map[string][]string{
		`{"title": "disk full", "host": {"name": "db-1", "disks": ["sda", "sdb"]}, "free": 0.5, "ok": false, "none": null}`: {
			"告警</font> backup", " disk full", "> free: 0.5", "> host.disks[1]: sdb", "> host.name: db-1", "> ok: false",
		},
		`"a text"`:                      {" a text"},
		`17`:                            {" 17"},
		`{"message": "hello"}`:          {" hello"},
		`{"text": "<a href=x>click"}`:   {"＜a href=x>click"},
		`{}`:                            {"告警</font> backup", "●</font> backup"},
		"\xef\xbb\xbf" + `{"msg": "a"}`: {" a"},
	} {
		report, err := sources.Parse("backup", []byte(body))
		if err != nil || len(report.Notifications) != 1 {
			t.Fatalf("%s: %+v %v", body, report, err)
		}
		rendered, err := renderer.RenderStrictly(report.Notifications[0], message.TypeMarkdown)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range says {
			if text := textOf(rendered.Request); !strings.Contains(text, want) || strings.Contains(text, "none") {
				t.Errorf("%s says %q, want %q", body, text, want)
			}
		}
	}
}

func TestMembersThatAreTooManyAreCounted(t *testing.T) {
	t.Parallel()
	cfg := one(webhook.Mapping{})
	var members []string
	for i := range 900 {
		members = append(members, fmt.Sprintf(`"m%03d": %d`, i, i))
	}
	report, err := newSources(t, cfg).Parse("backup", []byte(`{"all": {`+strings.Join(members, ", ")+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := newRenderer(t, cfg).RenderStrictly(report.Notifications[0], message.TypeMarkdown)
	if err != nil {
		t.Fatal(err)
	}
	if text := textOf(rendered.Request); strings.Count(text, "all.m")+836 != 900 || !strings.Contains(text, "…还有 836 项") {
		t.Errorf("it says %s", text)
	}
}

func TestWhatNoSourceCanRead(t *testing.T) {
	t.Parallel()
	sources := newSources(t, withPresets(t))
	for body, want := range map[string]string{
		"":                                     "the body: empty, or the end of its JSON is missing",
		"{":                                    "the body: empty, or the end of its JSON is missing",
		"{} {}":                                "the body: something follows the JSON",
		"job=failed":                           "the body: not the JSON of a webhook: invalid character 'j' looking for beginning of value",
		"null":                                 "the body: empty: it reports nothing",
		"[]":                                   "the body: empty: it reports nothing",
		"[" + strings.Repeat("1,", 200) + "1]": "the body: 201 elements, the limit is 200",
	} {
		if _, err := sources.Parse("zabbix", []byte(body)); err == nil || err.Error() != want {
			t.Errorf("%.20q: %v, want %s", body, err, want)
		}
	}
	for source, want := range map[webhook.Source]string{
		"backup": `gateway.webhooks.sources has no "backup"`,
	} {
		if _, err := sources.Parse(source, []byte("{}")); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
	_, err := newSources(t, webhook.DefaultConfig()).Parse("zabbix", []byte("{}"))
	if want := `gateway.webhooks.sources has no "zabbix"; there is a preset for it: write zabbix: {} there`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAMistakeInAMappingLosesNoAlert(t *testing.T) {
	t.Parallel()
	cfg := one(webhook.Mapping{
		Template: "{{.job.name}}", Severity: "critical", DedupKey: "{{range .job}}x{{end}}", StartsAt: "{{.when}}", Skip: "{{.job.name.first}}",
	})
	report, err := newSources(t, cfg).Parse("backup", []byte(`{"job": "db", "when": "yesterday"}`))
	if err != nil || len(report.Notifications) != 1 || report.Faulty != 1 {
		t.Fatalf("%+v %v", report, err)
	}
	for _, want := range []string{"template: line:1:6: <.job.name>: can't evaluate field name", "dedup_key: line:1:8: ", "skip: line:1:"} {
		if !strings.Contains(report.Fault.Error(), want) {
			t.Errorf("no %q in %v", want, report.Fault)
		}
	}
	rendered, err := newRenderer(t, cfg).RenderStrictly(report.Notifications[0], message.TypeMarkdown)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"critical", "> job: db", "> starts_at: yesterday"} {
		if text := textOf(rendered.Request); !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// The error may quote the source's data, and the log has it.
func TestAMistakeIsToldShortlyAndHarmlessly(t *testing.T) {
	t.Parallel()
	sources := newSources(t, one(webhook.Mapping{Template: "{{range .list}}x{{end}}"}))
	report, err := sources.Parse("backup", []byte(`{"list": "a\u202eb\nc`+strings.Repeat("x", 10_000)+`"}`))
	if err != nil || report.Fault == nil {
		t.Fatal(err, report.Fault)
	}
	if text := report.Fault.Error(); len(text) > 400 || strings.ContainsAny(text, "\u202e\n") || !strings.Contains(text, "range can't iterate over ab cx") {
		t.Errorf("the fault is %q", text)
	}
}

func TestTextsOfAMapping(t *testing.T) {
	t.Parallel()
	const document = `{"n": 5, "s": "5", "f": 2.5, "t": true, "z": 0, "null": null, "o": {"a-b": "c", "k": [1, "two", {"x": 3}]}, "big": 1795829472000, "l": ["x", "y"]}`
	for text, want := range map[string]string{
		`{{.n}} {{.f}} {{.t}} {{.big}} {{.s}}`:                 "5 2.5 true 1795829472000 5",
		`{{.none}}{{.none.of.these}}{{.null}}{{.null.member}}`: "",
		`{{eq .n "5"}}{{eq .s 5}}{{eq .n .s}}{{eq .t true}}{{eq .none ""}}{{eq .o 1}}{{eq .n 1 2 5}}{{ne .n 1 2}}{{ne .none .n}}`:               "truetruetruetruetruefalsetruetruetrue",
		`{{gt .s 4}}{{gt .f 2}}{{lt .f "2.6"}}{{ge .n 5}}{{le .n 4}}{{gt .none 1}}{{lt .o 1}}`:                                                  "truetruetruetruefalsefalsefalse",
		`{{index .o "a-b"}} {{index .o.k 1}} {{index .o.k -1 "x"}} {{index .o.k 9}}{{index .none 1}}{{index .s 1}}{{(index .o.k 9).y}}`:         "c two 3",
		`{{len .l}}{{len .o}}{{len .s}}{{len .none}}{{len .n}}`:                                                                                 "22100",
		`{{toUpper .t}} {{toLower "A"}}{{toUpper .none}} {{trimSpace .s}} {{shorten 2 .big}} {{join "+" .l}} {{join "," .s}}{{join "," .none}}`: "TRUE a 5 1… x+y 5",
		`{{reReplaceAll "[a-z]" "" .o.k}} {{match "^5$" .n}}`:                                                                                   `[1,"",{"":3}] true`,
		`{{if .z}}z{{end}}{{if .t}}t{{end}}{{range .none}}r{{end}}{{range $k, $v := .o.k}}{{$k}}{{end}}`:                                        "t012",
		`{{.o.k}} {{.o}}`: `[1,"two",{"x":3}] {"a-b":"c","k":[1,"two",{"x":3}]}`,
		`{{or .none .null .s}} {{and .t .n}} {{not .none}} {{with .none}}w{{else}}e{{end}}`: "5 5 true e",
	} {
		report, err := newSources(t, one(webhook.Mapping{Template: "x" + text})).Parse("backup", []byte(document))
		if err != nil || report.Fault != nil {
			t.Fatalf("%s: %v %v", text, err, report.Fault)
		}
		if got := strings.TrimPrefix(report.Notifications[0].Alerts[0].Annotations["summary"], "x"); got != want {
			t.Errorf("%s\n writes %q\n   want %q", text, got, want)
		}
	}
}

func TestMistakesInTextsAreFoundAtOnce(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{.a":                     "line:1: unclosed action",
		"a\n{{nope .a}}":           `line:2: function "nope" not defined`,
		`{{match "(" .a}}`:         "error parsing regexp",
		`{{.a.b | shorten "x"}}`:   "line:1:17: <\"x\">: expected integer; found \"x\"",
		"{{template \"other\" .}}": `line:1:11: <{{template "other" .}}>: template "other" not defined`,
	} {
		if err := webhook.CheckText(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := webhook.NewSources(one(webhook.Mapping{Labels: map[string]string{"team": "{{"}})); err == nil || !strings.HasPrefix(err.Error(), "source backup: labels.team: line:1: ") {
		t.Errorf("NewSources = %v", err)
	}
}

func TestTimesAsToolsWriteThem(t *testing.T) {
	t.Parallel()
	sources := newSources(t, one(webhook.Mapping{Template: "x", StartsAt: "{{.}}"}))
	for text, want := range map[string]string{
		"2026-11-28T01:41:12Z": "2026-11-28T01:41:12Z", "2026-11-28T09:41:12.5+08:00": "2026-11-28T01:41:12.5Z",
		"2026-11-28 01:41:12 UTC": "2026-11-28T01:41:12Z", "2026-11-28 09:41:12 +0800": "2026-11-28T01:41:12Z",
		"2026-11-28 09:41:12": "2026-11-28T01:41:12Z", "2026.11.28 09:41:12": "2026-11-28T01:41:12Z", "2026/11/28 09:41:12.25": "2026-11-28T01:41:12.25Z",
		"2026-11-28T09:41:12": "2026-11-28T01:41:12Z", "1795830072": "2026-11-28T01:41:12Z", "1795830072.309": "2026-11-28T01:41:12Z",
		"1795830072309": "2026-11-28T01:41:12.309Z", "1795830072309000": "2026-11-28T01:41:12.309Z", "1795830072309000001": "2026-11-28T01:41:12.309000001Z",
		"17": "", "now": "", "2026-13-01 00:00:00": "", "-1795830072": "", "99999999999999999999": "",
	} {
		report, err := sources.Parse("backup", []byte(`"`+text+`"`))
		if err != nil {
			t.Fatal(err)
		}
		alert := report.Notifications[0].Alerts[0]
		got, shown := "", alert.Annotations["starts_at"]
		if !alert.StartsAt.IsZero() {
			got = alert.StartsAt.UTC().Format(time.RFC3339Nano)
		}
		if got != want || (want == "") != (shown == text) {
			t.Errorf("%q is %q and shown as %q, want %q", text, got, shown, want)
		}
	}
}

func TestNamesOfSources(t *testing.T) {
	t.Parallel()
	for _, name := range append(webhook.Presets(), "a", "backup_2", "7") {
		if err := webhook.CheckSourceName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "grafana", "alertmanager", "digest", "A", "a/b", "a b", "-a", strings.Repeat("a", 33), "资产"} {
		if webhook.CheckSourceName(name) == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}
