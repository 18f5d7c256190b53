package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
)

func TestWhatBecomesOfAlertsIsCounted(t *testing.T) {
	t.Parallel()
	cfg := calm()
	cfg.Templates["text"] = webhook.Template{File: "t", Source: `{{if eq (index .Alerts 0).Name "odd"}}{{index .Alerts 7}}{{end}}x`}
	b := newBundle(t, cfg)
	got := map[string]int{}
	b.OnAlerts = func(app string, source webhook.Source, result webhook.Result, alerts int) {
		got[fmt.Sprintf("%s %s %s", app, source, result)] += alerts
	}
	b.post(t, "alertmanager", "to_user=alice", group("a", "b"), nil)
	b.post(t, "alertmanager", "to_user=alice", group("a", "b"), nil)
	b.post(t, "alertmanager", "to_user=alice&type=text", group("odd"), nil)
	b.post(t, "alertmanager", "to_user=alice", group("c", "d", "e"), nil)
	grafana := strings.NewReplacer(`"version":"4"`, `"version":"1"`)
	b.post(t, "grafana", "", grafana.Replace(group("f", "g")), nil)
	b.post(t, "grafana", "", grafana.Replace(group("f wecom_to_user=bob", "g")), nil)
	b.post(t, "grafana", "to_user=alice", "no JSON", nil)
	want := map[string]int{
		"ops alertmanager message": 3, "ops alertmanager duplicate": 2, "ops alertmanager fallback": 1, "ops alertmanager digested": 3,
		"ops grafana unaddressed": 3, "ops grafana refused": 2, "ops grafana message": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// patientQueue accepts the first messages only when there are 16 of them at a time.
type patientQueue struct {
	queue

	arrived atomic.Int64
	full    chan struct{} // closed when the 16th has come
}

func (q *patientQueue) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	if q.arrived.Add(1) == 16 {
		close(q.full)
	}
	select {
	case <-q.full:
		return q.queue.Enqueue(ctx, app, messages)
	case <-ctx.Done():
		return []tasks.Result{{Err: ctx.Err()}}
	}
}

func TestThousandsOfAudiencesAreServedInTime(t *testing.T) {
	t.Parallel()
	const audiences = 32
	q := &patientQueue{full: make(chan struct{})}
	cfg := testConfig()
	h, err := webhook.New(redistest.New(t), q, cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	alerts := make([]string, audiences)
	for i := range alerts {
		alerts[i] = fmt.Sprintf("a%d wecom_to_user=user%d", i, i)
	}
	began := time.Now()
	got := post(t, h, "alertmanager", "", group(alerts...), nil)
	if got.status != http.StatusAccepted || len(got.accepted.Messages) != audiences {
		t.Fatalf("status %d after %s: %s", got.status, time.Since(began), got.body)
	}
	seen := map[string]bool{}
	for _, m := range q.all() {
		seen[strings.ToLower(m.Request.Common().ToUser)] = true
	}
	if len(seen) != audiences {
		t.Errorf("%d members got a message, want %d", len(seen), audiences)
	}
}
