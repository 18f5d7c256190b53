package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
)

func TestWaitingMessagesOfEveryVersionAreRead(t *testing.T) {
	t.Parallel()
	const body = `{"touser":"alice","msgtype":"text","agentid":"","text":{"content":"x"}`
	tests := map[string]map[string]string{
		"its options in the body":     {"body": body + `,"priority":"critical","idempotency_key":"webhook:1"}`, "after": "ops-1"},
		"its options beside the body": {"body": body + `}`, "priority": "critical", "key": "webhook:1", "after": "ops-1"},
		"with its sender":             {"body": body + `,"priority":"critical","idempotency_key":"webhook:1"}`, "after": "ops-1", "actor": "webhook/am"},
	}
	for name, hash := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			if err := rdb.HSet(t.Context(), keys.WebhookWaiting("ops", "ops-2"), hash).Err(); err != nil {
				t.Fatal(err)
			}
			m, after, found, err := webhook.Waiting(t.Context(), rdb, "ops", "ops-2")
			if err != nil || !found || after != "ops-1" {
				t.Fatalf("after %q, found %v, error %v", after, found, err)
			}
			if diff := cmp.Diff(tasks.Options{Priority: tasks.Critical, IdempotencyKey: "webhook:1", Actor: hash["actor"]}, m.Options); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			if got := m.Request.Common().ToUser + ": " + textOf(m.Request); got != "alice: x" {
				t.Errorf("message %q", got)
			}
		})
	}
}
