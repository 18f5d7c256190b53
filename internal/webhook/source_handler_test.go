package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// sourceConfig has all presets, and a source whose JSON has no times.
func sourceConfig(tb testing.TB) webhook.Config {
	tb.Helper()
	cfg := testConfig()
	cfg.Sources = withPresets(tb).Sources
	cfg.Sources["backup"] = webhook.Mapping{Template: "{{.job}}", Name: "{{.job}}", DedupKey: "{{.job}}", Resolved: "{{.ok}}", Severity: "{{.level}}"}
	return cfg
}

// backup is a webhook of that source.
func backup(job string, ok bool) string {
	return fmt.Sprintf(`{"job": %q, "ok": %v, "at": %d}`, job, ok, time.Now().UnixNano()) // its bytes are never equal
}

func (b *bundle) sample(tb testing.TB, name string) answer {
	tb.Helper()
	a := b.post(tb, string(presetOf(name)), "to_user=alice", string(sample(tb, "sources/"+name+".json")), nil)
	if a.status != http.StatusAccepted {
		tb.Fatalf("%s: HTTP %d %s", name, a.status, a.body)
	}
	return a
}

func TestTheEndOfASourcesAlertWaitsForItsBeginning(t *testing.T) {
	t.Parallel()
	for begins, ends := range map[string]string{"zabbix-problem": "zabbix-recovery", "grafana-legacy-alerting": "grafana-legacy-ok", "uptime-kuma-down": "uptime-kuma-up"} {
		t.Run(begins, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, sourceConfig(t))
			first := b.sample(t, begins).accepted.Messages[0]
			b.queue.setBusy(first.ID, true)
			last := b.sample(t, ends).accepted.Messages[0]
			if last.WaitsFor != first.ID || len(b.queue.all()) != 1 {
				t.Fatalf("%+v does not wait for %s", last, first.ID)
			}
			b.queue.setBusy(first.ID, false)
			b.pass(time.Minute)
			b.Now = func() int64 { return time.Now().Add(time.Minute).UnixMilli() } // they are due by Redis's clock
			if err := b.Flush(t.Context(), "ops"); err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, text := range b.queue.brief(t) {
				said = append(said, strings.Fields(text)[3])
			}
			if diff := cmp.Diff([]string{"firing", "resolved"}, said); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASourcesAlertIsOneMessageHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	b := newBundle(t, sourceConfig(t))
	for _, name := range []string{"jenkins-failure", "jenkins-finalized", "jenkins-failure"} {
		b.sample(t, name)
	}
	for range 3 {
		b.post(t, "backup", "to_user=alice", backup("db", false), nil)
	}
	want := []string{"alice:: critical markdown: firing shop-nightly", "alice:: critical markdown: firing db"}
	if diff := cmp.Diff(want, b.queue.brief(t)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// A branch has the same name in every multibranch pipeline.
func TestJobsOfOneNameInDifferentFoldersAreDifferentAlerts(t *testing.T) {
	t.Parallel()
	b := newBundle(t, sourceConfig(t))
	for _, folder := range []string{"mall", "bank"} {
		body := strings.ReplaceAll(string(sample(t, "sources/jenkins-folder-failure.json")), "job/mall/", "job/"+folder+"/")
		b.post(t, "jenkins", "to_user=alice", body, nil)
	}
	want := []string{"alice:: critical markdown: firing mall/shop/main", "alice:: critical markdown: firing bank/shop/main"}
	if diff := cmp.Diff(want, b.queue.brief(t)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// Without times only the end separates one occurrence from the next.
func TestWhatFailsAgainAfterItsEndIsToldAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t, sourceConfig(t))
	for _, ok := range []bool{false, true, false, true, true} {
		if a := b.post(t, "backup", "to_user=alice", backup("db", ok), nil); a.status != http.StatusAccepted {
			t.Fatalf("HTTP %d %s", a.status, a.body)
		}
	}
	want := []string{
		"alice:: critical markdown: firing db", "alice:: critical markdown: resolved db",
		"alice:: critical markdown: firing db", "alice:: critical markdown: resolved db",
	}
	if diff := cmp.Diff(want, b.queue.brief(t)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// Neither has times: only their texts distinguish the worse one from the first.
func TestAnAlertThatBecomesAnotherIsTold(t *testing.T) {
	t.Parallel()
	cfg := sourceConfig(t)
	cfg.Sources["copy"] = webhook.Mapping{
		Template: "copied {{.files}}", DedupKey: "{{.job}}", Severity: `{{if eq .result "lost"}}critical{{else}}warning{{end}}`,
	}
	cfg.Templates["markdown"] = webhook.Template{File: "m", Source: "{{range .Alerts}}{{.Severity}} {{.Summary}}{{end}}"}
	b := newBundle(t, cfg)
	tagged := `{"state":"%s","ruleId":1,"message":"disk","tags":{"severity":"error"},"evalMatches":[%s]}`
	for _, event := range [][2]string{
		{"copy", `{"job":"db","result":"lost","files":1}`},
		{"copy", `{"files":1,"job":"db","result":"lost"}`},
		{"copy", `{"job":"db","result":"partial","files":1}`},
		{"copy", `{"job":"db","result":"partial","files":9}`},
		{"copy", `{"job":"db","result":"lost","files":1}`},
		{"grafana-legacy", fmt.Sprintf(tagged, "alerting", `{"metric":"a","value":98}`)},
		{"grafana-legacy", fmt.Sprintf(tagged, "alerting", `{"metric":"a","value":98}`)},
		{"grafana-legacy", fmt.Sprintf(tagged, "no_data", "")},
	} {
		b.post(t, event[0], "to_user=a", event[1], nil)
	}
	for _, name := range []string{"grafana-legacy-alerting", "grafana-legacy-alerting", "grafana-legacy-no-data"} {
		b.sample(t, name)
	}
	var said []string
	for _, text := range b.queue.brief(t) {
		said = append(said, strings.TrimPrefix(strings.TrimPrefix(text, "a:: critical markdown: "), "alice:: critical markdown: "))
	}
	want := []string{
		"critical copied 1", "warning copied 1", "warning copied 9", "critical copied 1", "error disk", "error disk",
		"critical The CPUs of the shop are busy", "warning The CPUs of the shop are busy",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestAStormOfASourceBecomesADigest(t *testing.T) {
	t.Parallel()
	cfg := sourceConfig(t)
	cfg.Digest = webhook.Digest{After: 2, Window: time.Minute}
	b := newBundle(t, cfg)
	var events []string
	for i := range 5 {
		events = append(events, fmt.Sprintf(`{"job": "job %d", "level": "error"}`, i))
	}
	a := b.post(t, "backup", "to_user=alice", "["+strings.Join(events, ",")+"]", nil)
	if len(a.accepted.Messages) != 2 || a.accepted.Digested != 3 {
		t.Fatalf("answer %s", a.body)
	}
	b.pass(time.Minute)
	if err := b.Flush(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	if got := b.queue.brief(t)[2]; !strings.HasPrefix(got, "alice:: critical markdown: digest of 3:") {
		t.Errorf("the digest is %q", got)
	}
}

func TestTheSeverityOfASourceChoosesTheRoute(t *testing.T) {
	t.Parallel()
	cfg := sourceConfig(t)
	worst := route(t, `severity="critical"`, message.Recipients{Users: []string{"oncall"}})
	rest := route(t, `severity!="critical"`, message.Recipients{Parties: []string{"2"}})
	rest.Priority = tasks.Bulk
	cfg.Routes = []webhook.Route{worst, rest}
	b := newBundle(t, cfg)
	for _, level := range []string{"critical", "info"} {
		b.post(t, "backup", "", fmt.Sprintf(`{"job": %q, "level": %[1]q}`, level), nil)
	}
	want := []string{"oncall:: critical markdown: firing critical", ":2: bulk markdown: firing info"}
	if diff := cmp.Diff(want, b.queue.brief(t)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestWhatBecomesOfASourcesWebhook(t *testing.T) {
	t.Parallel()
	cfg := sourceConfig(t)
	cfg.Sources["wrong"] = webhook.Mapping{Name: "{{.a.b}}"}
	b := newBundle(t, cfg)
	var counted []string
	b.OnAlerts = func(_ string, source webhook.Source, result webhook.Result, alerts int) {
		counted = append(counted, fmt.Sprint(source, " ", result, " ", alerts))
	}
	nested := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, step := range []struct {
		source, query, body string
		status              int
		says, counts        string
	}{
		{source: "jenkins", query: "to_user=a", body: string(sample(t, "sources/jenkins-started.json")), status: 202, says: `{"messages":[],"digested":0}`, counts: "jenkins skipped 1"},
		{source: "backup", body: `{"job":"x"}`, status: 422, says: "nobody is named", counts: "backup unaddressed 1, backup refused 1"},
		{source: "backup", query: "to_user=a", body: "{", status: 400, says: "the end of its JSON is missing", counts: "backup refused 1"},
		{source: "backup", query: "to_user=a", body: nested, status: 422, says: "over 32 objects and arrays within each other; let the source send less", counts: "backup refused 1"},
		{
			source: "backup", query: "to_user=a", body: `{"a":"` + strings.Repeat("x", webhook.MaxSourceBodyBytes) + `"}`,
			status: 413, says: "the body has more than 1048576 bytes", counts: "backup refused 1",
		},
		{source: "wrong", query: "to_user=a", body: `{"a":"b"}`, status: 202, says: `"alerts":1`, counts: "wrong fallback 1, wrong message 1"},
		{source: "nobody-knows", query: "to_user=a", body: `{}`, status: 404, says: `gateway.webhooks.sources has no \"nobody-knows\"`},
	} {
		counted = nil
		a := b.post(t, step.source, step.query, step.body, nil)
		if a.status != step.status || !strings.Contains(a.body, step.says) || strings.Join(counted, ", ") != step.counts {
			t.Errorf("%s %.40s: HTTP %d %s, counted %v\nwant %d %s, counted %s", step.source, step.body, a.status, a.body, counted, step.status, step.says, step.counts)
		}
	}
}

func TestASourceMayPut(t *testing.T) {
	t.Parallel()
	b := newBundle(t, sourceConfig(t))
	for method, want := range map[string]int{http.MethodPut: 202, http.MethodGet: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, "/v1/webhooks/backup/ops?to_user=a", strings.NewReader(backup(method, false)))
		mounted{b.Handler}.ServeHTTP(w, r)
		if w.Code != want || want == 405 && w.Header().Get("Allow") != "POST, PUT" {
			t.Errorf("%s: HTTP %d, want %d; %v", method, w.Code, want, w.Header())
		}
	}
}

func TestLegacyGrafanaIsTakenByItsPreset(t *testing.T) {
	t.Parallel()
	b := newBundle(t, sourceConfig(t))
	body := string(sample(t, "field/legacy-grafana.json"))
	if a := b.post(t, "grafana", "to_user=alice", body, nil); a.status != 422 || !strings.Contains(a.body, "/v1/webhooks/grafana-legacy/{app}") {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
	b.post(t, "grafana-legacy", "to_user=alice", body, nil)
	if got := b.queue.brief(t); !slices.Equal(got, []string{"alice:: critical markdown: firing Test notification"}) {
		t.Errorf("messages %q", got)
	}
}

func TestOnlyABodyThatMayBeJSONIsTaken(t *testing.T) {
	t.Parallel()
	b := newBundle(t, sourceConfig(t))
	for kind, want := range map[string]int{
		"application/json": 202, "Application/JSON; charset=utf-8": 202, "application/vnd.gitlab+json": 202, "text/plain; charset=UTF-8": 202,
		"": 202, "application/x-www-form-urlencoded": 202,
		"image/png": 415, "multipart/form-data; boundary=x": 415, "application/x-yaml": 415, "text/xml": 415, "application/octet-stream": 415,
	} {
		for source, body := range map[string]string{"alertmanager": group("a"), "grafana": string(sample(t, "grafana_webhook.json")), "backup": backup("db", false)} {
			a := b.post(t, source, "to_user=a", body, http.Header{"Content-Type": {kind}})
			if a.status != want || want == 415 && !strings.Contains(a.body, "send application/json") {
				t.Errorf("%s with Content-Type %q: HTTP %d %s", source, kind, a.status, a.body)
			}
		}
	}
}

func TestJSONThatAScriptPutTogetherIsTaken(t *testing.T) {
	t.Parallel()
	cfg := sourceConfig(t)
	cfg.Templates["markdown"] = webhook.Template{File: "m", Source: "{{range .Alerts}}{{.Summary}}|{{.Description}}{{end}}"}
	b := newBundle(t, cfg)
	for body, want := range map[string]string{
		"{\"job\": \"a\", }":                        "a|",
		"[{\"job\": \"b\" , \n} , ]":                "b|",
		"{\"job\": \"c\nd\te\x01\"}":                "c|d\te",
		"{\"job\": \"f,}\\\",]\", \"x\": [1, 2,],}": `f,}",]|`,
		"\ufeff{\"job\": \"g\",}":                   "g|",
	} {
		if a := b.post(t, "backup", "to_user=a", body, nil); a.status != http.StatusAccepted {
			t.Errorf("%q: HTTP %d %s", body, a.status, a.body)
			continue
		}
		said := b.queue.brief(t)
		if got := said[len(said)-1]; got != "a:: critical markdown: "+want {
			t.Errorf("%q says %q, want %q", body, got, want)
		}
	}
	deep := "{" + strings.Repeat(`"a":{`, 40) + strings.Repeat("}", 40) + ",}"
	for body, want := range map[string]int{"{\"job\": \"a\",,}": 400, "{\"job\" \"a\"}": 400, "{\"job\": \"a": 400, "{} x,}": 400, deep: 422} {
		if a := b.post(t, "backup", "to_user=a", body, nil); a.status != want {
			t.Errorf("%q: HTTP %d %s", body, a.status, a.body)
		}
	}
}
