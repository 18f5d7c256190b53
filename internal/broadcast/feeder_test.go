package broadcast_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
)

func TestABroadcastThatHasLostItsTaskGoesOn(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	ended := b.create(b.draft("cancelled", list(10)))
	if _, err := b.store.Cancel(t.Context(), ended.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	created := b.create(b.draft("hello", list(10)))
	for _, id := range []string{ended.ID, created.ID} {
		if err := b.Asynq.DeleteTask("ops:bulk", id); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.store.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Asynq.GetTaskInfo("ops:bulk", ended.ID); err == nil {
		t.Error("a broadcast that has ended got a task")
	}
	b.work()
	b.await(created.ID, broadcast.Finished)
	b.eachOnce(created.ID, 10)
}

func TestABlockThatIsLostIsTold(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("hello", list(10)))
	if err := b.Redis.Del(t.Context(), keys.BroadcastBlocks("ops", created.ID)).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := b.store.Feed(t.Context(), created.ID)
	if err == nil || !strings.Contains(err.Error(), "cancel the broadcast, and create it again") {
		t.Errorf("error %v does not say what to do", err)
	}
}
