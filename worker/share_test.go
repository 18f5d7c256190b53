package worker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// meeting lets nobody go on before a number of them have come.
type meeting struct{ missing sync.WaitGroup }

func newMeeting(size int) *meeting {
	m := new(meeting)
	m.missing.Add(size)
	return m
}

func (m *meeting) join() {
	m.missing.Done()
	m.missing.Wait()
}

// meetingSender calls WeCom after a meeting, and counts the calls in flight.
type meetingSender struct {
	worker.Sender
	*meeting

	inFlight, most atomic.Int64
}

func (s *meetingSender) Post(ctx context.Context, api string, body []byte, reply any) error {
	n := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	if s.meeting != nil {
		s.join()
	}
	return s.Sender.Post(ctx, api, body, reply)
}

// meetingLedger records outcomes after a meeting.
type meetingLedger struct {
	worker.Ledger
	*meeting
}

func (l *meetingLedger) Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error) {
	l.join()
	return l.Ledger.Settle(ctx, p, s)
}

// burst enqueues messages to different members in one batch.
func (b *bundle) burst(n int) {
	b.Helper()
	messages := make([]producer.Message, n)
	for i := range messages {
		messages[i].Request = text(fmt.Sprint("a", i), "x")
	}
	for _, result := range b.producer.SendBatch(b.Context(), messages) {
		if result.Err != nil {
			b.Fatal(result.Err)
		}
	}
}

func (b *bundle) wantAllAccepted(n int) {
	b.Helper()
	for range n {
		if r := b.next(); r.State != tasks.Accepted || r.Attempts != 1 {
			b.Errorf("record %+v, want it accepted at once", r)
		}
	}
}

// No worker takes messages that another one could call at once.
func TestIdleWorkersShareABurst(t *testing.T) {
	t.Parallel()
	const workers, calls = 3, 2
	b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) {
		a.Concurrency = calls + 1 // one is for critical messages
		a.Sender = &meetingSender{Sender: a.Sender, meeting: newMeeting(workers * calls)}
	})
	for range workers {
		b.work()
	}
	b.burst(workers * calls)
	b.wantAllAccepted(workers * calls)
}

func TestOthersAreCalledWhileOutcomesAreRecorded(t *testing.T) {
	t.Parallel()
	const calls, messages = 2, 3 * 2
	b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) {
		a.Concurrency = calls + 1
		a.Ledger = &meetingLedger{a.Ledger, newMeeting(messages)}
	})
	b.work()
	b.burst(messages)
	b.wantAllAccepted(messages)
}

func TestNoMoreCallsAreInFlightThanAllowed(t *testing.T) {
	t.Parallel()
	const calls, messages = 3, 300
	var sender *meetingSender
	b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) {
		sender = &meetingSender{Sender: a.Sender}
		a.Concurrency, a.Sender, a.Pacer = calls+1, sender, nil
		a.Limits = tasks.Limits{CallsPerMinute: 1 << 40, MemberPerMinute: 30, MemberPerHour: 1000, Seats: 10_000} // messages are taken ahead
	})
	b.work()
	b.burst(messages)
	b.wantAllAccepted(messages)
	if most := sender.most.Load(); most > calls {
		t.Errorf("%d calls were in flight, %d are allowed", most, calls)
	}
}
