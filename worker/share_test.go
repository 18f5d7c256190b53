package worker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// meeting is a sender whose calls wait for each other.
type meeting struct {
	worker.Sender
	*sync.WaitGroup
}

func (m *meeting) Post(ctx context.Context, api string, body []byte, reply any) error {
	m.Done()
	m.Wait()
	return m.Sender.Post(ctx, api, body, reply)
}

// No worker takes messages that another one could call at once.
func TestIdleWorkersShareABurst(t *testing.T) {
	t.Parallel()
	const workers, calls = 3, 2
	all := &sync.WaitGroup{}
	all.Add(workers * calls)
	b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) {
		a.Concurrency = calls + 1 // one is for critical messages
		a.Sender = &meeting{a.Sender, all}
	})
	burst := make([]producer.Message, workers*calls)
	for i := range burst {
		burst[i].Request = text(fmt.Sprint("a", i), "x")
	}
	for range workers {
		b.work()
	}
	for _, result := range b.producer.SendBatch(t.Context(), burst) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	for range burst { // if all are called at the same time
		if r := b.next(); r.State != tasks.Accepted {
			t.Errorf("record %+v", r)
		}
	}
}
