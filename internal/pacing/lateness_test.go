package pacing_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// WeCom counts a call at some moment between its admission and its answer, and its clock may lose 30 ms in a minute.
func TestNoMinuteOfWeComHasMoreCallsThanTheLimit(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	for _, tt := range []struct {
		network string
		jitter  int // ms, at most
		loses   int // a packet in so many calls
		used    float64
	}{
		{network: "near", jitter: 10, used: 0.995},
		{network: "with jitter", jitter: 40, used: 0.995},
		{network: "that loses packets", jitter: 40, loses: 15, used: 0.965},
	} {
		for _, workers := range []int{1, 8} {
			for _, limit := range []int{20, 100} {
				t.Run(fmt.Sprintf("%d workers, %d calls, a network %s", workers, limit, tt.network), func(t *testing.T) {
					t.Parallel()
					b := newBundle(t, rdb, tasks.Limits{CallsPerMinute: limit, MemberPerMinute: 30, MemberPerHour: 1000})
					random := rand.New(rand.NewPCG(1, uint64(limit)))
					calls := b.saturate(workers, 5*limit, func(n int) time.Duration {
						took := time.Duration(1+random.IntN(tt.jitter)) * time.Millisecond
						if tt.loses > 0 && n%tt.loses == tt.loses-1 {
							took += time.Duration([]int{200, 600, 1400}[random.IntN(3)]) * time.Millisecond
						}
						return took
					})
					for i, later := range calls[limit:] {
						if gap := later.admitted.Sub(calls[i].ended); gap < time.Minute+30*time.Millisecond {
							t.Fatalf("calls %d and %d may reach WeCom within %s", i, i+limit, gap)
						}
					}
					minutes := calls[len(calls)-1].admitted.Sub(calls[limit].admitted).Minutes()
					if used := float64(len(calls)-1-limit) / (minutes * float64(limit)); used < tt.used {
						t.Errorf("%.4f of the limit is used, want %.4f", used, tt.used)
					}
				})
			}
		}
	}
}

// call is a call to WeCom.
type call struct {
	admitted, ended time.Time
	admission       tasks.Admission
	reported        bool
}

// saturate has workers with long queues make so many calls.
func (b *bundle) saturate(workers, n int, network func(call int) time.Duration) []call {
	b.Helper()
	random := rand.New(rand.NewPCG(2, uint64(n)))
	var calls []call
	for len(calls) < n {
		opens := time.Hour
		for range workers {
			b.reportLate(calls)
			message := b.message(tasks.Priorities()[random.IntN(3)])
			switch a := b.admit(message); a.Verdict {
			case tasks.Go:
				calls = append(calls, call{b.now, b.now.Add(network(len(calls))), a, false})
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

// reportLate reports the calls that have ended, as workers do.
func (b *bundle) reportLate(calls []call) {
	for i := range calls {
		c := &calls[i]
		if c.reported || c.ended.After(b.now) {
			continue
		}
		c.reported = true
		if took := c.ended.Sub(c.admitted); took > c.admission.Slowest {
			b.report(tasks.Finding{Kind: tasks.Late, Took: took})
		}
	}
}

func TestASlowCallIsForgottenAfterTwoMinutes(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{CallsPerMinute: 60, MemberPerMinute: 30, MemberPerHour: 1000})
	for _, tt := range []struct {
		name     string
		took     time.Duration // of a call that is reported, 0 for none
		after    time.Duration
		interval time.Duration // ms between calls
		slowest  time.Duration // that the next worker learns
	}{
		{name: "none is known", after: time.Hour, interval: 60210 * time.Millisecond / 60},
		{name: "the first", took: 600 * time.Millisecond, after: time.Second, interval: 60810 * time.Millisecond / 60, slowest: 600 * time.Millisecond},
		{name: "a quicker one", took: 60 * time.Millisecond, after: time.Second, interval: 60810 * time.Millisecond / 60, slowest: 600 * time.Millisecond},
		{name: "a minute later", after: minute, interval: 60810 * time.Millisecond / 60},
		{name: "a quicker one of this minute", took: 120 * time.Millisecond, after: time.Second, interval: 60810 * time.Millisecond / 60, slowest: 120 * time.Millisecond},
		{name: "two minutes later", after: minute, interval: 60330 * time.Millisecond / 60},
		{name: "an hour later", after: time.Hour, interval: 60210 * time.Millisecond / 60},
		{name: "one that lasted very long", took: time.Minute, after: time.Minute, interval: 62210 * time.Millisecond / 60, slowest: 2 * time.Second},
	} {
		if tt.took > 0 {
			b.report(tasks.Finding{Kind: tasks.Late, Took: tt.took})
		}
		b.pass(tt.after)
		a := b.admit(b.message(tasks.Critical))
		if a.Slowest != tt.slowest {
			t.Errorf("%s: the slowest call is said to take %s, want %s", tt.name, a.Slowest, tt.slowest)
		}
		b.pass(a.Spacing)
		if next := b.admit(b.message(tasks.Critical)); (next.Spacing - tt.interval).Abs() > time.Millisecond {
			t.Errorf("%s: calls are %s apart, want %s", tt.name, next.Spacing, tt.interval)
		}
	}
}

func TestASlowCallDelaysTheNextByWhatWasNotKnown(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{CallsPerMinute: 60, MemberPerMinute: 30, MemberPerHour: 1000})
	for b.admit(b.message(tasks.Bulk)).Verdict == tasks.Go {
	}
	wait := func() time.Duration { return b.admit(b.message(tasks.Bulk)).Wait }
	before := wait()
	for _, took := range []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, 300 * time.Millisecond} {
		b.report(tasks.Finding{Kind: tasks.Late, Took: took})
	}
	if longer := wait() - before; longer != 500*time.Millisecond {
		t.Errorf("the next call has to wait %s longer, want 500 ms, which the slowest call took", longer)
	}
}
