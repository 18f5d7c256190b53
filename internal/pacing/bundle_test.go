package pacing_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// The windows that the pacer uses: WeCom's, plus a margin.
const (
	minute = 62 * time.Second
	hour   = time.Hour + 2*time.Second
)

// noon is in the middle of a day in China.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.FixedZone("Asia/Shanghai", 8*3600))

// bundle is the pacer of an app of its own, and a clock that the test moves.
type bundle struct {
	testing.TB
	*pacing.Pacer
	rdb redis.UniversalClient
	app string
	now time.Time
	ids int
}

var apps atomic.Int64

func newBundle(tb testing.TB, rdb redis.UniversalClient, limits tasks.Limits) *bundle {
	tb.Helper()
	b := &bundle{TB: tb, rdb: rdb, app: fmt.Sprintf("app%d", apps.Add(1)), now: noon}
	b.Pacer = pacing.New(rdb, pacing.Config{
		App: b.app, Limits: limits, RecordTTL: 24 * time.Hour, Now: func() time.Time { return b.now },
	})
	return b
}

// unhurried are limits of which only those of members matter.
func unhurried(perMinute, perHour int) tasks.Limits {
	return tasks.Limits{CallsPerMinute: 1_000_000, MemberPerMinute: perMinute, MemberPerHour: perHour}
}

// message returns a message with an id of its own.
func (b *bundle) message(priority tasks.Priority, users ...string) tasks.AdmissionRequest {
	b.ids++
	return tasks.AdmissionRequest{
		Payload: tasks.Payload{
			ID: fmt.Sprintf("%s-%d", b.app, b.ids), App: b.app, Priority: priority, Type: message.TypeText, EnqueuedAt: b.now,
		},
		Policy: tasks.ResendPolicy{InFlight: time.Minute, Window: tasks.Forever, Resends: tasks.Unlimited},
		Users:  users,
	}
}

func (b *bundle) admit(a tasks.AdmissionRequest) tasks.Admission {
	b.Helper()
	admission, err := b.Admit(b.Context(), a)
	if err != nil {
		b.Fatal(err)
	}
	return admission
}

// settle ends an attempt, as a worker does.
func (b *bundle) settle(a tasks.AdmissionRequest, state tasks.State) {
	b.Helper()
	records := ledger.New(b.rdb, b.app, 24*time.Hour)
	if _, err := records.Settle(b.Context(), a.Payload, tasks.Settlement{State: state, ErrCode: -1}); err != nil {
		b.Fatal(err)
	}
}

// pass advances the clock.
func (b *bundle) pass(d time.Duration) { b.now = b.now.Add(d) }
