package worker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// stuckLedger does not answer the first call of TasksGone until it is released, and then fails.
type stuckLedger struct {
	worker.Ledger
	called  chan struct{}
	release chan struct{}

	mu    sync.Mutex
	calls int
	ids   []string
}

func (l *stuckLedger) TasksGone(ctx context.Context, ids ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls++; l.calls == 1 {
		close(l.called)
		<-l.release
		return errors.New("Redis is unavailable")
	}
	l.ids = append(l.ids, ids...)
	return l.Ledger.TasksGone(ctx, ids...)
}

func TestAWorkerThatStopsForgetsNoRecord(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	stuck := &stuckLedger{Ledger: b.ledger, called: make(chan struct{}), release: make(chan struct{})}
	b.app.Ledger = stuck
	stop := b.work()
	first := b.send(text("a", "x"), producer.Options{})
	<-stuck.called
	second := b.send(text("b", "x"), producer.Options{})
	b.task(second, asynq.TaskStateCompleted)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	close(stuck.release)
	<-stopped
	slices.Sort(stuck.ids)
	if !slices.Equal(stuck.ids, slices.Sorted(slices.Values([]string{first.ID, second.ID}))) {
		t.Errorf("the records of %q may expire, want those of %s and %s", stuck.ids, first.ID, second.ID)
	}
}
