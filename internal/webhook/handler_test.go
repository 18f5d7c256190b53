package webhook_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

func TestWhoGetsWhat(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	db := route(t, `team="db"`, message.Recipients{Users: []string{"dba"}})
	db.Type, db.Priority = message.TypeText, tasks.Default
	other := route(t, `team="db"`, message.Recipients{Users: []string{"nobody"}})
	elsewhere := route(t, `team="web"`, message.Recipients{Users: []string{"nobody"}})
	elsewhere.App = "hr"
	cfg.Routes = []webhook.Route{db, other, elsewhere, route(t, `severity="critical"`, message.Recipients{Parties: []string{"2"}})}
	tests := map[string]struct {
		query string
		body  string
		want  []string
	}{
		"those of the address": {
			"to_user=alice,bob&to_party=2|3&to_tag=4", group("a"),
			[]string{"alice|bob:2|3:4 critical markdown: firing a"},
		},
		"those of the address, whatever labels and routes say": {
			"to_user=alice", group("a wecom_to_user=bob team=db"),
			[]string{"alice:: default text: firing a"},
		},
		"the type and priority of the address": {
			"to_user=alice&type=textcard&priority=bulk", group("a team=db"),
			[]string{`alice:: bulk textcard: <div class="highlight">a</div><div class="gray">2026-11-22 07:58:13 +00:00</div><div class="gray">team=db</div>`},
		},
		"those of labels, each its alerts": {
			"", group("a wecom_to_user=bob", "b wecom_to_user=carol", "c wecom_to_user=bob wecom_to_tag=9"),
			[]string{"bob:: critical markdown: firing a", "carol:: critical markdown: firing b", "bob::9 critical markdown: firing c"},
		},
		"those of the first route that matches": {
			"", group("a team=db", "b severity=critical"),
			[]string{":2: critical markdown: firing b", "dba:: default text: firing a"},
		},
		"those of the route when the label is wrong": {
			"", group("a team=db wecom_to_user=张三"),
			[]string{"dba:: default text: firing a"},
		},
		"its own status, whatever others' is": {
			"", group("!a wecom_to_user=bob", "b wecom_to_user=carol"),
			[]string{"carol:: critical markdown: firing b", "bob:: critical markdown: resolved a"},
		},
		"all, without others beside": {
			"to_user=@all&to_tag=1", group("a"),
			[]string{"@all:: critical markdown: firing a"},
		},
		"never all because a label says so": {
			"", group("a wecom_to_user=@ALL|bob|@all"),
			[]string{"bob:: critical markdown: firing a"},
		},
		"those of the route when the label says all": {
			"", group("a team=db wecom_to_user=@all"),
			[]string{"dba:: default text: firing a"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, cfg)
			if got := b.post(t, "alertmanager", tt.query, tt.body, nil); got.status != http.StatusAccepted {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if diff := cmp.Diff(tt.want, b.queue.brief(t)); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAlertmanagerLeftOutIsCountedOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t, testConfig())
	body := strings.Replace(group("a wecom_to_user=bob", "b wecom_to_user=carol"), `"version":"4"`, `"version":"4","truncatedAlerts":7`, 1)
	got := b.post(t, "alertmanager", "", body, nil)
	if got.status != http.StatusAccepted || len(got.accepted.Messages) != 2 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	if first, second := got.accepted.Messages[0].Alerts, got.accepted.Messages[1].Alerts; first != 8 || second != 1 {
		t.Errorf("messages report %d and %d alerts, want 8 and 1", first, second)
	}
}

func TestAlertsThatNameNobodyAreToldBesideThoseThatDo(t *testing.T) {
	t.Parallel()
	b := newBundle(t, testConfig())
	got := b.post(t, "alertmanager", "", group("a wecom_to_user=bob", "b"), nil)
	if got.status != http.StatusAccepted || got.accepted.Unaddressed != 1 || len(got.accepted.Messages) != 1 {
		t.Errorf("answer %d: %s", got.status, got.body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query, body string
		want        int
		detail      string
	}{
		"of a body that is no JSON":   {query: "to_user=a", body: "x", want: http.StatusBadRequest, detail: "not the JSON of a webhook"},
		"of a body that is too large": {query: "to_user=a", body: strings.Repeat(" ", webhook.MaxBodyBytes+1), want: http.StatusRequestEntityTooLarge, detail: "max_alerts"},
		"of a webhook without alerts": {query: "to_user=a", body: `{"version":"4"}`, want: http.StatusUnprocessableEntity, detail: "alerts: missing or empty"},
		"of a type nobody knows": {
			query: "to_user=a&type=html", body: group("a"), want: http.StatusUnprocessableEntity,
			detail: "query.type: not one of markdown, text, textcard, template_card",
		},
		"of a priority nobody knows":   {query: "to_user=a&priority=p1", body: group("a"), want: http.StatusUnprocessableEntity, detail: "query.priority: not one of critical, default, bulk"},
		"of a recipient nobody can be": {query: "to_user=张三", body: group("a"), want: http.StatusUnprocessableEntity, detail: "to_user: \\\"张三\\\" is not a userid"},
		"of a webhook to nobody": {
			body: group("a"), want: http.StatusUnprocessableEntity,
			detail: "nobody is named. Name recipients in one of three ways: in the address (?to_user=zhangsan,lisi, to_party=2 or to_tag=3); " +
				"by a label of the alert (wecom_to_user, wecom_to_party or wecom_to_tag); or by a route in the config (gateway.webhooks.routes)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, testConfig())
			got := b.post(t, "alertmanager", tt.query, tt.body, nil)
			if got.status != tt.want || !strings.Contains(got.body, tt.detail) || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answer %d %s: %s\nwant %d: %s", got.status, got.header.Get("Content-Type"), got.body, tt.want, tt.detail)
			}
			if len(b.queue.all()) > 0 {
				t.Error("something was enqueued")
			}
		})
	}
}

func TestOnlyPostsAreTaken(t *testing.T) {
	t.Parallel()
	b := newBundle(t, testConfig())
	for method, want := range map[string][2]int{
		http.MethodGet: {http.StatusMethodNotAllowed, http.StatusMethodNotAllowed},
		http.MethodPut: {http.StatusMethodNotAllowed, http.StatusBadRequest}, // Grafana can be configured to PUT
	} {
		for i, source := range []webhook.Source{webhook.Alertmanager, webhook.Grafana} {
			w := httptest.NewRecorder()
			b.Handle(source, "ops", w, httptest.NewRequestWithContext(t.Context(), method, "/", http.NoBody))
			if w.Code != want[i] {
				t.Errorf("%s to %s: %d, want %d", method, source, w.Code, want[i])
			}
		}
	}
}

func TestWithoutRedisItIsTriedAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.AppendOnly)
	q := &queue{}
	h, err := webhook.New(server.Client(), q, testConfig(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	got := post(t, h, "alertmanager", "to_user=alice", group("a"), nil)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "5" {
		t.Errorf("answer %d, Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	server.Restart()
	if got = post(t, h, "alertmanager", "to_user=alice", group("a"), nil); got.status != http.StatusAccepted || len(q.all()) != 1 {
		t.Errorf("answer %d: %s; %d messages", got.status, got.body, len(q.all()))
	}
}

func TestTheSameNotificationIsOneMessage(t *testing.T) {
	t.Parallel()
	b := newBundle(t, testConfig())
	other := b.twin(t, testConfig())
	first := b.post(t, "alertmanager", "to_user=alice", groupFrom("http://am-1", "a", "b"), nil)
	twin := post(t, other, "alertmanager", "to_user=alice", groupFrom("http://am-2", "b", "a"), nil)
	if len(first.accepted.Messages) != 1 || len(twin.accepted.Messages) != 1 {
		t.Fatalf("answers %s and %s", first.body, twin.body)
	}
	if a, z := first.accepted.Messages[0], twin.accepted.Messages[0]; a.ID != z.ID || a.Duplicate || !z.Duplicate || a.Alerts != 2 {
		t.Errorf("the twin was answered %+v, the first %+v", z, a)
	}
	b.pass(4*time.Minute - time.Millisecond)
	b.post(t, "alertmanager", "to_user=alice", group("a", "b", "c"), nil) // the group has grown
	b.post(t, "alertmanager", "to_user=alice", group("!a", "!b"), nil)
	b.post(t, "alertmanager", "to_user=bob", group("a", "b"), nil)
	want := []string{
		"alice:: critical markdown: firing a b", "alice:: critical markdown: firing a b c",
		"alice:: critical markdown: resolved a b", "bob:: critical markdown: firing a b",
	}
	if diff := cmp.Diff(want, b.queue.brief(t)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestARepetitionIsSentAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Dedup = time.Second
	b := newBundle(t, cfg)
	b.post(t, "alertmanager", "to_user=alice", group("a"), nil)
	waittest.Until(t, "the key has expired", func() bool { return len(redistest.Keys(t, b.rdb, "*webhook:seen*")) == 0 })
	b.pass(time.Second)
	again := b.post(t, "alertmanager", "to_user=alice", group("a"), nil)
	if len(b.queue.all()) != 2 || again.accepted.Messages[0].Duplicate {
		t.Errorf("%d messages, want 2: %s", len(b.queue.all()), again.body)
	}
}

func TestAnEnqueueThatFailedIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before the message is in Redis": false, "after it is in Redis": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, testConfig())
			b.queue.fail = func(taken bool) error {
				if taken == after {
					return errors.New("connection reset")
				}
				return nil
			}
			if got := b.post(t, "alertmanager", "to_user=alice", group("a"), nil); got.status != http.StatusServiceUnavailable {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			b.queue.fail = nil
			b.pass(time.Minute)
			if got := b.post(t, "alertmanager", "to_user=alice", group("a"), nil); got.status != http.StatusAccepted {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if n := len(b.queue.all()); n != 1 {
				t.Errorf("%d messages, want 1", n)
			}
		})
	}
}

func TestEndOfAnAlertWaitsForItsBeginning(t *testing.T) {
	t.Parallel()
	b := newBundle(t, testConfig())
	first := b.post(t, "alertmanager", "to_user=alice", group("a"), nil).accepted.Messages[0]
	b.queue.setBusy(first.ID, true)
	over := b.post(t, "alertmanager", "to_user=alice", group("!a"), nil).accepted.Messages[0]
	twin := b.post(t, "alertmanager", "to_user=alice", groupFrom("http://am-2", "!a"), nil).accepted.Messages[0]
	again := b.post(t, "alertmanager", "to_user=alice", group("a", "b"), nil).accepted.Messages[0]
	other := b.post(t, "alertmanager", "to_user=bob", group("!a"), nil).accepted.Messages[0]
	want := []webhook.AcceptedMessage{
		{ID: over.ID, Alerts: 1, WaitsFor: first.ID},
		{ID: over.ID, Alerts: 1, WaitsFor: first.ID, Duplicate: true},
		{ID: again.ID, Alerts: 2, WaitsFor: over.ID},
		{ID: other.ID, Alerts: 1},
	}
	if diff := cmp.Diff(want, []webhook.AcceptedMessage{over, twin, again, other}); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	for range 3 {
		b.pass(time.Minute)
		b.flush(t)
	}
	texts := []string{"alice:: critical markdown: firing a", "bob:: critical markdown: resolved a"}
	if diff := cmp.Diff(texts, b.queue.brief(t)); diff != "" {
		t.Fatalf("before the first is sent (-want +got):\n%s", diff)
	}
	b.queue.setBusy(over.ID, true) // and the first is finished
	for range 3 {
		b.pass(time.Minute)
		b.flush(t)
	}
	texts = append(texts, "alice:: critical markdown: resolved a")
	if diff := cmp.Diff(texts, b.queue.brief(t)); diff != "" {
		t.Fatalf("after it is sent (-want +got):\n%s", diff)
	}
	b.queue.setBusy(over.ID, false)
	b.pass(time.Minute)
	b.flush(t)
	texts = append(texts, "alice:: critical markdown: firing a b")
	if diff := cmp.Diff(texts, b.queue.brief(t)); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
	if left := redistest.Keys(t, b.rdb, "*webhook:[dw]*"); len(left) != 2 { // two windows
		t.Errorf("left behind: %v", left)
	}
}
