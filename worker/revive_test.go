package worker_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

func TestADeadLetterThatIsRunInTheDashboardIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  wecomtest.Fault
		ends   tasks.State
		marked bool
	}{
		"a rejected one": {fault: wecomtest.Fault{ErrCode: 45002, Times: 1}, ends: tasks.Rejected},
		"an unknown one": {fault: wecomtest.Fault{Reset: true, After: true, Times: 1}, ends: tasks.Unknown, marked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) { a.OnUnknown = worker.Park })
			b.fault(tc.fault)
			b.work()
			receipt := b.send(text("a", "x"), producer.Options{})
			if r := b.next(); r.State != tc.ends {
				t.Fatalf("record %+v, want it %s", r, tc.ends)
			}
			info := b.task(receipt, asynq.TaskStateArchived)
			if !strings.Contains(info.LastErr, "[attempt 1]") {
				t.Errorf("the dashboard shows %q, want the attempt in it", info.LastErr)
			}
			if err := asynq.NewInspectorFromRedisClient(b.rdb).RunTask(receipt.Queue, receipt.ID); err != nil {
				t.Fatal(err)
			}
			r := b.next()
			if r.ID != receipt.ID || r.State != tasks.Accepted || r.Attempts != 2 || r.PossibleDuplicate != tc.marked {
				t.Errorf("record %+v, want it accepted by the second attempt, possible duplicate %t", r, tc.marked)
			}
			b.task(receipt, asynq.TaskStateCompleted)
		})
	}
}

// TestALostAcknowledgementIsNoReplay puts a dead letter's task back into the queue as
// asynq does when its archiving did not reach Redis.
func TestALostAcknowledgementIsNoReplay(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.fault(wecomtest.Fault{ErrCode: 45002})
	stop := b.work()
	receipt := b.send(text("a", "x"), producer.Options{})
	b.next()
	b.task(receipt, asynq.TaskStateArchived)
	stop()

	inspector := asynq.NewInspectorFromRedisClient(b.rdb)
	for name, lost := range map[string]func(){
		"the lease ended": func() {
			b.redeliver(receipt) // a fresh task of the same id has no last error of ours
		},
		"the last error is that of an earlier archiving": func() {
			if err := inspector.RunTask(receipt.Queue, receipt.ID); err != nil {
				t.Fatal(err)
			}
			// Meanwhile it was attempted once more, as after a run whose end got lost.
			if err := b.rdb.HIncrBy(t.Context(), "wecomq:{ops}:record:"+receipt.ID, "attempts", 1).Err(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		lost()
		stop := b.work()
		b.task(receipt, asynq.TaskStateArchived)
		stop()
		if n := b.sim.Stats().APIs["message/send"].Codes[45002]; n != 1 {
			t.Errorf("%s: WeCom was called %d times, want once", name, n)
		}
	}
}

// TestASecondDeliveryIsNoReplay delivers a message twice at the same moment, as when its worker stood still for a
// while and another took its tasks: the second delivery begins before the first one has archived the task.
func TestASecondDeliveryIsNoReplay(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.fault(wecomtest.Fault{ErrCode: 45002})
	var receipt producer.Receipt
	again, deliveries := make(chan struct{}), atomic.Int32{}
	w, err := worker.New(worker.Config{
		Redis: b.rdb, Apps: []worker.App{b.app},
		OnSettled: func(r tasks.Record) {
			if b.rdb.RPush(t.Context(), "asynq:{ops:default}:pending", r.ID).Err() == nil {
				<-again
			}
			b.settled <- r
		},
		OnDequeued: func(string, tasks.Priority, time.Duration) {
			if deliveries.Add(1) == 2 {
				close(again)
				b.task(receipt, asynq.TaskStateArchived)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	receipt = b.send(text("a", "x"), producer.Options{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	b.next()
	b.task(receipt, asynq.TaskStateArchived)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the worker ended with %v", err)
	}
	if r := b.whole(receipt.ID); r.State != tasks.Rejected || deliveries.Load() != 2 {
		t.Errorf("after %d deliveries the message is %s, want two, and it rejected", deliveries.Load(), r.State)
	}
}

func TestTheWorkerKeepsTheArchiveSmall(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	old := time.Now().Add(-30 * 24 * time.Hour).Unix()
	for i := range 250 {
		id := fmt.Sprint("old-", i)
		if err := b.rdb.HSet(t.Context(), "asynq:{ops:bulk}:t:"+id, "state", "archived").Err(); err != nil {
			t.Fatal(err)
		}
		if err := b.rdb.ZAdd(t.Context(), "asynq:{ops:bulk}:archived", redis.Z{Score: float64(old), Member: id}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	b.work()
	waittest.Until(b.T, "the archive is empty", func() bool {
		return b.rdb.Exists(t.Context(), "asynq:{ops:bulk}:archived", "asynq:{ops:bulk}:t:old-0", "asynq:{ops:bulk}:t:old-249").Val() == 0
	})
}

// redeliver puts a fresh task of the same message in the place of the one that ended.
func (b *bundle) redeliver(r producer.Receipt) {
	b.Helper()
	if err := asynq.NewInspectorFromRedisClient(b.rdb).DeleteTask(r.Queue, r.ID); err != nil {
		b.Fatal(err)
	}
	payload := tasks.Encode(tasks.Payload{
		ID: r.ID, App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now(),
		Body: []byte(`{"touser":"a","msgtype":"text","agentid":"","text":{"content":"x"}}`),
	})
	_, err := asynq.NewClientFromRedisClient(b.rdb).EnqueueContext(b.Context(), asynq.NewTask("message:text", payload),
		asynq.TaskID(r.ID), asynq.Queue(r.Queue), asynq.MaxRetry(tasks.MaxAttempts), asynq.Retention(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
}
