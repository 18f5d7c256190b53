package broadcast_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/message"
)

// recaller is a WeCom that takes everything back.
type recaller func()

func (r recaller) RecallContext(context.Context, message.RecallRequest) (*message.RecallResponse, error) {
	r()
	return &message.RecallResponse{}, nil
}

// sent is a desk with a broadcast that has ended, whose recalls go to r.
func (b *bundle) sent(calls int, r recaller) (*broadcast.Desk, string) {
	b.Helper()
	b.work()
	id := b.create(b.draft("你好 {{.name}}", list(calls))).ID
	b.await(id, broadcast.Finished)
	desk := b.BroadcastDesk(b.App("ops"))
	desk.Recaller = func() (broadcast.Recaller, error) { return r, nil }
	return desk, id
}

func TestARecallKeepsTheRateOfTheApp(t *testing.T) {
	t.Parallel()
	const calls, atOnce, interval = 12, 8, 50 * time.Millisecond
	b := newBundle(t, daemontest.Config{})
	desk, id := b.sent(calls, func() {})
	desk.Pace = func(context.Context) (broadcast.Pace, error) {
		return broadcast.Pace{CallsPerMinute: float64(time.Minute / interval), DayQuota: -1}, nil
	}
	begin := time.Now()
	result, err := desk.Recall(t.Context(), id, "bob", nil)
	if took := time.Since(begin); err != nil || result.Recalled != calls || took < (calls-atOnce)*interval {
		t.Errorf("%+v, %v, in %s", result, err, took)
	}
}

func TestTwoRecallsDoNotMix(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	var desk *broadcast.Desk
	var id string
	var meanwhile error
	asked := false
	desk, id = b.sent(1, func() {
		if asked { // the other one recalls as well: that is the fault
			return
		}
		asked = true
		_, meanwhile = desk.Recall(t.Context(), id, "carl", nil)
	})
	result, err := desk.Recall(t.Context(), id, "bob", nil)
	if !asked || err != nil || result.Recalled != 1 || !errors.Is(meanwhile, broadcast.ErrRecalling) {
		t.Errorf("%+v, %v; another one meanwhile: %v", result, err, meanwhile)
	}
	if after, err := desk.Recall(t.Context(), id, "carl", nil); err != nil || after.Recalled != 1 || after.Left != 0 {
		t.Errorf("another one afterwards: %+v, %v", after, err)
	}
}
