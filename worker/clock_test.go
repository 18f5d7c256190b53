package worker_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// To a host whose clock is an hour ahead, Redis's is an hour behind. Go's clock cannot be
// set in a test, so Redis's is.
func TestHostsWithAWrongClockKeepTimesByRedis(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"hosts are an hour ahead": -time.Hour, "hosts are an hour behind": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, clock := redistest.StartWithClock(t)
			clock.Set(ahead)
			b := newBundleOn(t, server.Client(), wecomtest.Rules{})
			b.work()
			began := time.Now()
			now := b.rdb.Time(t.Context()).Val()
			receipts := map[string]producer.Receipt{
				"delay": b.send(text("zhangsan", "delay"), producer.Options{Delay: 2 * time.Second, ExpiresIn: time.Minute}),
				"at":    b.send(text("zhangsan", "at"), producer.Options{At: now.Add(2 * time.Second), ExpiresAt: now.Add(time.Minute)}),
			}
			for range receipts {
				record := b.next()
				if waited := time.Since(began); record.State != tasks.Accepted || waited < 2*time.Second {
					t.Errorf("after %s message %s is %s, %s; want it accepted after two seconds", waited, record.ID, record.State, record.ErrMsg)
				}
				if off := record.EnqueuedAt.Sub(now); off.Abs() > time.Minute {
					t.Errorf("it was enqueued %s after the time of Redis", off)
				}
			}
		})
	}
}

func TestARetryIsDueByTheClockOfRedis(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"hosts are an hour ahead": -time.Hour, "hosts are an hour behind": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, clock := redistest.StartWithClock(t)
			clock.Set(ahead)
			b := newBundleOn(t, server.Client(), wecomtest.Rules{})
			b.fault(wecomtest.Fault{ErrCode: -1, Times: 1})
			b.work()
			b.send(text("zhangsan", "again"), producer.Options{ExpiresIn: time.Minute})
			if record := b.next(); record.State != tasks.Accepted || record.Attempts != 2 {
				t.Errorf("%s after %d attempts: %s; want it accepted by the second", record.State, record.Attempts, record.ErrMsg)
			}
		})
	}
}

// A worker knows for ten seconds nothing of Redis's new clock; what it puts back must not be due
// at once meanwhile, over and over.
func TestAMessageThatWaitsIsPutBackOnceThoughTheClockOfRedisWasSet(t *testing.T) {
	t.Parallel()
	server, clock := redistest.StartWithClock(t)
	b := newBundleOn(t, server.Client(), wecomtest.Rules{}, limits(tasks.Limits{CallsPerMinute: 10_000, MemberPerMinute: 2, MemberPerHour: 1000}))
	b.work()
	b.send(text("lisi", "the worker knows the time"), producer.Options{})
	b.next()
	clock.Set(9 * time.Minute)
	for _, content := range []string{"one", "two"} { // a tenth is for alerts
		b.send(text("zhangsan", content), producer.Options{})
	}
	b.next()
	waittest.Until(t, "a message waits for its turn, by the clock of Redis", func() bool {
		now := b.rdb.Time(t.Context()).Val()
		return b.rdb.ZCount(t.Context(), "asynq:{ops:default}:retry", "("+strconv.FormatInt(now.Unix(), 10), "+inf").Val() == 1
	})
	if held := b.held.Load(); held != 1 {
		t.Errorf("it was put back %d times, want once", held)
	}
}

// A message that is due in a minute by Redis comes when Redis's clock says so, however
// that clock gets there.
func TestTheScheduleFollowsRedisWhenItsClockIsSet(t *testing.T) {
	t.Parallel()
	server, clock := redistest.StartWithClock(t)
	b := newBundleOn(t, server.Client(), wecomtest.Rules{})
	b.work()
	late := b.send(text("zhangsan", "late"), producer.Options{Delay: time.Hour})
	expires := b.send(text("lisi", "expires"), producer.Options{Delay: 90 * time.Minute, ExpiresIn: 100 * time.Minute})
	clock.Set(-time.Hour)
	if got := b.send(text("lisi", "now"), producer.Options{}); b.next().ID != got.ID {
		t.Error("another message came than the one for now")
	}
	clock.Set(time.Hour + time.Second)
	if record := b.next(); record.ID != late.ID || record.State != tasks.Accepted {
		t.Errorf("%s is %s, want the scheduled message accepted", record.ID, record.State)
	}
	clock.Set(3 * time.Hour)
	if record := b.next(); record.ID != expires.ID || record.State != tasks.Expired {
		t.Errorf("%s is %s, want the other one expired", record.ID, record.State)
	}
}
