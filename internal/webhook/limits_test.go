package webhook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/webhook"
)

func TestAWebhookOverALimitOfItsTokenIsRepeated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limit      error
		retryAfter string
		detail     string
	}{
		"a budget that is used up": {
			&budget.SpentError{Token: "am", Limit: budget.PerMinute, Max: 60, Needs: 1, After: 12 * time.Second}, "12", "per_minute",
		},
		"a priority that it may not use": {
			&budget.ForbiddenError{Field: "priority", Text: "critical, but token \"am\" may only use bulk"}, "5", "may only use bulk",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, testConfig())
			b.queue.fail = func(bool) error { return tc.limit }
			a := b.post(t, "alertmanager", "to_user=alice", group("a"), nil)
			if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != tc.retryAfter || !strings.Contains(a.body, tc.detail) {
				t.Errorf("HTTP %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
			}
			b.queue.fail = nil
			if a := b.post(t, "alertmanager", "to_user=alice", group("a"), nil); a.status != http.StatusAccepted || len(b.queue.all()) != 1 {
				t.Errorf("the repeat: HTTP %d, %d messages", a.status, len(b.queue.all()))
			}
		})
	}
}

func TestWhatWaitsUsesTheBudgetOnceAndWhenItComes(t *testing.T) {
	t.Parallel()
	b := newBundle(t, testConfig())
	first := b.post(t, "alertmanager", "to_user=alice", group("a"), nil).accepted.Messages[0]
	b.queue.setBusy(first.ID, true)
	b.queue.spent = true
	for range 2 {
		if a := b.post(t, "alertmanager", "to_user=alice", group("!a"), nil); a.status != http.StatusServiceUnavailable {
			t.Fatalf("without room: HTTP %d %s", a.status, a.body)
		}
	}
	b.queue.spent = false
	for _, h := range []*webhook.Handler{b.Handler, b.twin(t, testConfig())} {
		if a := post(t, h, "alertmanager", "to_user=alice", group("!a"), nil); a.status != http.StatusAccepted || a.accepted.Messages[0].WaitsFor != first.ID {
			t.Fatalf("HTTP %d %s", a.status, a.body)
		}
	}
	if b.queue.reserved != 1 {
		t.Errorf("the budget was used %d times, want once", b.queue.reserved)
	}
}
