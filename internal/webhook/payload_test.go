package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/costtest"
	"github.com/wecomq/wecomq/internal/webhook"
)

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func TestSamplesOfRealSources(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		source   webhook.Source
		status   webhook.Status
		alerts   int
		trunc    int
		receiver string
	}{
		"alertmanager_v4_firing_0.28.1.json": {source: webhook.Alertmanager, status: webhook.Firing, alerts: 1, receiver: "hook"},
		"alertmanager_v4_firing_0.34.json":   {source: webhook.Alertmanager, status: webhook.Firing, alerts: 2, trunc: 1, receiver: "hook"},
		"alertmanager_v4_resolved_0.34.json": {source: webhook.Alertmanager, status: webhook.Resolved, alerts: 2, trunc: 1, receiver: "hook"},
		"grafana_webhook.json":               {source: webhook.Grafana, status: webhook.Firing, alerts: 1, receiver: "My Super Webhook"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := webhook.Parse(sample(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if n.Source != tt.source || n.Status != tt.status || len(n.Alerts) != tt.alerts || n.Truncated != tt.trunc || n.Receiver != tt.receiver {
				t.Errorf("Parse = %+v", n)
			}
		})
	}
}

func TestGrafanasOwnMembersAreRead(t *testing.T) {
	t.Parallel()
	n, err := webhook.ParseGrafana(sample(t, "grafana_webhook.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := webhook.Alert{
		Status:      webhook.Firing,
		Labels:      map[string]string{"alertname": "High memory usage", "team": "blue", "zone": "us-1"},
		Annotations: map[string]string{"description": "The system has high memory usage", "runbook_url": "https://myrunbook.com/runbook/1234", "summary": "This alert was triggered for zone us-1"},
		StartsAt:    time.Date(2021, 10, 12, 7, 51, 3, 157076000, time.UTC), Fingerprint: "c6eadffa33fcdf37",
		GeneratorURL: "https://play.grafana.org/alerting/1afz29v7z/edit",
		SilenceURL:   "https://play.grafana.org/alerting/silence/new?alertmanager=grafana",
		Values:       map[string]string{"B": "44.2394", "C": "1"},
	}
	if diff := cmp.Diff(want, n.Alerts[0]); diff != "" {
		t.Errorf("alert (-want +got):\n%s", diff)
	}
}

func TestBadWebhooks(t *testing.T) {
	t.Parallel()
	alert := `{"status":"firing","labels":{"alertname":"a"}}`
	many := `{"version":"4","alerts":[` + strings.Repeat(alert+",", webhook.MaxAlerts) + alert + `]}`
	tests := map[string]struct{ body, want string }{
		"that are empty":              {``, "the body: empty, or the end of its JSON is missing"},
		"that end too early":          {`{"alerts":[`, "the body: empty, or the end of its JSON is missing"},
		"that are no JSON":            {`hello`, "the body: not the JSON of a webhook: invalid character 'h' looking for beginning of value"},
		"that are a list":             {`[]`, "the body: not the JSON of a webhook: cannot unmarshal array into Go value of type webhook.payload"},
		"with something behind":       {`{"alerts":[` + alert + `]} {}`, "the body: something follows the JSON object"},
		"whose alerts are a text":     {`{"alerts":"x"}`, "alerts: a JSON string, want []webhook.payloadAlert"},
		"whose label is a number":     {`{"alerts":[{"labels":{"a":1}}]}`, "alerts.labels: a JSON number, want string"},
		"without alerts":              {`{"version":"4","alerts":[]}`, "alerts: missing or empty; a webhook reports at least one alert"},
		"with too many alerts":        {many, "alerts: 10001 alerts, the limit is 10000; set max_alerts in the receiver"},
		"with a status of its own":    {`{"alerts":[` + alert + `,{"status":"pending"}]}`, `alerts[1].status: "pending" is neither firing nor resolved`},
		"with a strange time":         {`{"alerts":[{"status":"firing","startsAt":"today"}]}`, `alerts[0].startsAt: "today" is not a time such as 2026-01-02T15:04:05Z`},
		"with a negative number":      {`{"alerts":[` + alert + `],"truncatedAlerts":-1}`, "truncatedAlerts: -1 is no number of alerts"},
		"of a version to come":        {`{"version":"5","alerts":[` + alert + `]}`, `version: "5"; version 4 is understood`},
		"of Grafana, at this address": {`{"version":"1","orgId":1,"alerts":[` + alert + `]}`, "orgId: this is Grafana's webhook; post it to /v1/webhooks/grafana/{app}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.ParseAlertmanager([]byte(tt.body))
			if err == nil || err.Error() != tt.want {
				t.Errorf("ParseAlertmanager = %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestGrafanaRefusesTheOther(t *testing.T) {
	t.Parallel()
	_, err := webhook.ParseGrafana(sample(t, "alertmanager_v4_firing_0.34.json"))
	if err == nil || !strings.Contains(err.Error(), "/v1/webhooks/alertmanager/{app}") {
		t.Errorf("ParseGrafana = %v, want the right address", err)
	}
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	t.Parallel()
	body := `{"version":"4","new":{"a":[1]},"alerts":[{"status":"firing","new":null,"labels":{"a":"b"},"values":{"A":null,"B":[1]}}]}`
	n, err := webhook.ParseAlertmanager([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if n.Alerts[0].Fingerprint == "" {
		t.Error("an alert without a fingerprint got none of its labels")
	}
}

func FuzzParseAlertmanager(f *testing.F) {
	for _, name := range []string{"alertmanager_v4_firing_0.34.json", "alertmanager_v4_resolved_0.34.json"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) { checkParsed(t, body, webhook.ParseAlertmanager) })
}

func FuzzParseGrafana(f *testing.F) {
	f.Add(sample(f, "grafana_webhook.json"))
	f.Fuzz(func(t *testing.T, body []byte) { checkParsed(t, body, webhook.ParseGrafana) })
}

// checkParsed expects a valid notification, or an error that has an HTTP status.
func checkParsed(t *testing.T, body []byte, parse func([]byte) (webhook.Notification, error)) {
	t.Helper()
	n, err := parse(body)
	if err != nil {
		var syntax *webhook.SyntaxError
		var invalid *webhook.InvalidError
		if !errors.As(err, &syntax) && !errors.As(err, &invalid) {
			t.Errorf("error of type %T", err)
		}
		return
	}
	if len(n.Alerts) == 0 || !json.Valid(body) {
		t.Errorf("parsed into %d alerts", len(n.Alerts))
	}
	for _, a := range n.Alerts {
		if a.Fingerprint == "" || a.Status != webhook.Firing && a.Status != webhook.Resolved {
			t.Errorf("alert %+v", a)
		}
	}
}

// hostile are bodies with many small alerts: a beginning, a repeated part, and an end.
var hostile = map[string][3]string{
	"empty alerts":         {`{"alerts":[{}`, `,{}`, `]}`},
	"small alerts":         {`{"alerts":[{}`, `,{"status":"firing"}`, `]}`},
	"alerts":               {`{"alerts":[{"status":"firing"}`, `,{"status":"firing","labels":{"a":"b","c":"d","e":"f"},"fingerprint":"x"}`, `]}`},
	"labels":               {`{"alerts":[{"status":"firing","labels":{"a":"b"`, `,"aaa":"b"`, `}}]}`},
	"values":               {`{"alerts":[{"status":"firing","values":{"a":1`, `,"aaaaaa":1`, `}}]}`},
	"common labels":        {`{"alerts":[{"status":"firing"}],"commonLabels":{"a":"b"`, `,"aaa":"b"`, `}}`},
	"alerts of few labels": {`{"alerts":[{"status":"firing"}`, `,{"status":"firing","labels":{` + strings.TrimPrefix(strings.Repeat(`,"aaaa":"b"`, 200), ",") + `}}`, `]}`},
	"recipients":           {`{"alerts":[{"status":"firing","labels":{"wecom_to_user":"`, `a|`, `"}}]}`},
	"a text":               {`{"alerts":[{"status":"firing","annotations":{"summary":"`, `0123456789`, `"}}]}`},
	"escapes":              {`{"alerts":[{"status":"firing","annotations":{"summary":"`, `\u00e4`, `"}}]}`},
	"unknown":              {`{"alerts":[{"status":"firing"}],"x":[0`, `,0`, `]}`},
	"depth":                {`{"alerts":`, `[`, ``},
}

// take sends a webhook to a handler without Redis, and returns its cost.
func take(tb testing.TB, h *webhook.Handler, body string) costtest.Cost {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", strings.NewReader(body))
	return costtest.Of(func() { h.Handle(webhook.Alertmanager, "ops", httptest.NewRecorder(), r) })
}

func handlerWithoutRedis(tb testing.TB) *webhook.Handler {
	tb.Helper()
	nowhere := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	rdb := redis.NewClient(&redis.Options{Dialer: nowhere, MaxRetries: -1, DialerRetries: 1})
	h, err := webhook.New(rdb, nil, webhook.DefaultConfig(), zerolog.Nop())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = rdb.Close() })
	return h
}

// FuzzCost proves that no webhook takes much more memory than its size, nor much time.
func FuzzCost(f *testing.F) {
	for _, parts := range hostile {
		f.Add(parts[0], parts[1], parts[2], uint16(500))
	}
	h := handlerWithoutRedis(f)
	f.Fuzz(func(t *testing.T, head, unit, tail string, times uint16) {
		body := head + strings.Repeat(unit, min(int(times), 1<<18/max(1, len(unit)))) + tail
		if cost := take(t, h, body); cost.Bytes > uint64(8*len(body)+(2<<20)) || cost.CPU > time.Second {
			t.Errorf("%d bytes take %d and %s", len(body), cost.Bytes, cost.CPU)
		}
	})
}

func TestNoWebhookTakesMoreThanEightTimesItsSize(t *testing.T) { //nolint:paralleltest // it measures what the process allocates
	h := handlerWithoutRedis(t)
	for name, parts := range hostile {
		for _, size := range []int{150_000, 600_000} {
			body := parts[0] + strings.Repeat(parts[1], size/len(parts[1])) + parts[2]
			cost := take(t, h, body)
			if cost.Bytes > uint64(8*len(body)+(2<<20)) {
				t.Errorf("%d bytes of %s take %.1f times as much", len(body), name, float64(cost.Bytes)/float64(len(body)))
			}
		}
	}
}

// BenchmarkHostile shows that no webhook of any size takes a second.
func BenchmarkHostile(b *testing.B) {
	h := handlerWithoutRedis(b)
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		parts := hostile[name]
		body := parts[0] + strings.Repeat(parts[1], (8<<20-1000)/len(parts[1])) + parts[2]
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			var worst time.Duration
			for b.Loop() {
				worst = max(worst, take(b, h, body).CPU)
			}
			b.ReportMetric(float64(worst.Milliseconds()), "cpu-ms")
			if worst > time.Second {
				b.Errorf("%d bytes take %s", len(body), worst)
			}
		})
	}
}

// FuzzRender proves that every parsed notification can become messages of every type.
func FuzzRender(f *testing.F) {
	f.Add(sample(f, "alertmanager_v4_firing_0.34.json"))
	f.Add(sample(f, "grafana_webhook.json"))
	f.Add([]byte(strings.ReplaceAll(string(sample(f, "alertmanager_v4_firing_0.34.json")), "HighCPU", `a\u202eb\u009b2J\u2066c`)))
	renderer := newRenderer(f, webhook.DefaultConfig())
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := webhook.Parse(body)
		if err != nil {
			return
		}
		for _, kind := range webhook.Types() {
			rendered, err := renderer.Render(n, kind)
			if text, _ := json.Marshal(rendered.Request); bytes.ContainsAny(text, "\u202e\u2066\u009b\u200f") {
				t.Errorf("%s steers or turns: %q", kind, text)
			}
			if err != nil {
				t.Errorf("%s: %v", kind, err)
			} else if rendered.More < n.Truncated {
				t.Errorf("%s: %d more, want at least %d", kind, rendered.More, n.Truncated)
			}
		}
	})
}
