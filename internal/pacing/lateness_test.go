package pacing_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// WeCom counts a call at some moment between its admission and its answer, and its clock may gain 30 ms in a minute.
func TestNoMinuteOfWeComHasMoreCallsThanTheLimit(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	jitter := func(r *rand.Rand) time.Duration { return time.Duration(r.IntN(40)) * time.Millisecond }
	for _, tt := range []struct {
		network string
		call    func(*rand.Rand) time.Duration
		used    float64 // of the limit, at least
	}{
		{"near", func(r *rand.Rand) time.Duration { return time.Duration(r.IntN(10)) * time.Millisecond }, 0.995},
		{"with jitter", jitter, 0.995},
		{"that loses packets", func(r *rand.Rand) time.Duration {
			if r.IntN(200) == 0 {
				return jitter(r) + time.Duration([]int{200, 600, 1400}[r.IntN(3)])*time.Millisecond
			}
			return jitter(r)
		}, 0.96},
	} {
		for _, workers := range []int{1, 8} {
			for _, limit := range []int{20, 100} {
				t.Run(fmt.Sprintf("%d workers, %d calls, a network %s", workers, limit, tt.network), func(t *testing.T) {
					t.Parallel()
					b := newBundle(t, rdb, tasks.Limits{CallsPerMinute: limit, MemberPerMinute: 30, MemberPerHour: 1000})
					calls := b.saturate(workers, 5*limit, tt.call)
					for i, later := range calls[limit:] {
						if gap := later.admitted.Sub(calls[i].ended); gap < time.Minute+30*time.Millisecond {
							t.Fatalf("calls %d and %d may reach WeCom within %s", i, i+limit, gap)
						}
					}
					took := calls[len(calls)-1].admitted.Sub(calls[limit].admitted)
					if used := 4 * time.Minute.Seconds() / took.Seconds(); used < tt.used {
						t.Errorf("%.4f of the limit is used, want %.4f", used, tt.used)
					}
				})
			}
		}
	}
}

// call is a call to WeCom by one of the workers.
type call struct {
	admitted, ended time.Time
	worker          int
	known           bool // to the pacer
}

// saturate has workers with long queues make so many calls.
func (b *bundle) saturate(workers, n int, network func(*rand.Rand) time.Duration) []call {
	b.Helper()
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var calls []call
	for len(calls) < n {
		opens := time.Hour
		for _, worker := range r.Perm(workers) {
			message := b.message(tasks.Priorities()[r.IntN(3)])
			message.SlowestCall = b.slowest(calls, worker)
			switch a := b.admit(message); a.Verdict {
			case tasks.Go:
				calls = append(calls, call{b.now, b.now.Add(network(r)), worker, false})
				opens = min(opens, a.Spacing)
			case tasks.Wait:
				opens = min(opens, a.Wait)
			default:
				b.Fatalf("admission %+v", a)
			}
		}
		b.pass(max(opens, time.Millisecond))
	}
	return calls
}

// slowest returns how long the slowest of a worker's calls took that have ended since it asked last.
func (b *bundle) slowest(calls []call, worker int) time.Duration {
	var slowest time.Duration
	for i := range calls {
		if c := &calls[i]; c.worker == worker && !c.known && !c.ended.After(b.now) {
			slowest, c.known = max(slowest, c.ended.Sub(c.admitted)), true
		}
	}
	return slowest
}
