package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/tasks"
)

// free is the answer when nothing is limited, spent the one when the rate is spent
// so far ahead.
var free = tasks.Admission{Verdict: tasks.Go, Concurrency: 1}

func spent(ahead time.Duration) tasks.Admission {
	return tasks.Admission{Verdict: tasks.Go, Spacing: ahead, Concurrency: 1}
}

func enter(t *testing.T, gate *turnstile, p tasks.Priority) *passage {
	t.Helper()
	let, err := gate.enter(t.Context(), p, "")
	if err != nil {
		t.Fatal(err)
	}
	return let
}

// passed collects who was let through and when.
type passed struct {
	Name string
	At   time.Duration
}

func TestAtTheLimitTheHighestPriorityGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(4)
		gate.spread = 0 // to know the times
		defer gate.stop()
		enter(t, gate, tasks.Default).answer(spent(time.Second + 180*time.Millisecond))
		start := time.Now()
		through := make(chan passed, 4)
		for _, w := range []struct {
			name     string
			priority tasks.Priority
		}{{"bulk 1", tasks.Bulk}, {"bulk 2", tasks.Bulk}, {"default", tasks.Default}, {"critical", tasks.Critical}} {
			go func() {
				let := enter(t, gate, w.priority)
				through <- passed{w.name, time.Since(start)}
				let.answer(spent(time.Second + 180*time.Millisecond))
				let.release()
			}()
			synctest.Wait()
		}
		got := []passed{<-through, <-through, <-through, <-through}
		want := []passed{
			{"critical", time.Second},
			{"default", time.Second + 1060*time.Millisecond},
			{"bulk 1", time.Second + 1060*time.Millisecond + 1120*time.Millisecond},
			{"bulk 2", time.Second + 1060*time.Millisecond + 2*1120*time.Millisecond},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("who was let through when (-want +got):\n%s", diff)
		}
	})
}

func TestNoSenderIsLetThroughTwiceInARowWhileAnotherWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(20)
		gate.spread = 0
		defer gate.stop()
		enter(t, gate, tasks.Critical).answer(spent(time.Second + 180*time.Millisecond))
		const came = "aaaaaabbcb"
		through := make(chan rune, len(came))
		for _, sender := range came {
			go func() {
				let, err := gate.enter(t.Context(), tasks.Critical, string(sender))
				if err != nil {
					t.Error(err)
					return
				}
				through <- sender
				let.answer(spent(time.Second + 180*time.Millisecond))
				let.release()
			}()
			synctest.Wait()
		}
		var got []rune
		for range came {
			got = append(got, <-through)
		}
		if want := "ababacabaa"; string(got) != want {
			t.Errorf("the order is %s, want %s", string(got), want)
		}
	})
}

func TestWhileNothingIsLimitedNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(4)
		defer gate.stop()
		var turns []*passage
		for range 3 {
			turns = append(turns, enter(t, gate, tasks.Bulk)) // none has its answer yet
		}
		turns = append(turns, enter(t, gate, tasks.Critical))
		waits := true
		go func() {
			enter(t, gate, tasks.Bulk)
			waits = false
		}()
		synctest.Wait()
		if !waits {
			t.Fatal("a fifth call of four")
		}
		turns[0].answer(free)
		turns[0].release()
		synctest.Wait()
		if !waits {
			t.Fatal("a bulk message took the place that is kept for critical ones")
		}
		turns[1].answer(free)
		turns[1].release()
		synctest.Wait()
		if waits {
			t.Fatal("it still waits though a place is free")
		}
	})
}

func TestIfTheRateIsNoLimitThoseWhoWaitAskTogether(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ahead time.Duration // that the rate is used up
		want  int           // who ask at the same time
	}{"none": {0, 3}, "60,000 calls a minute": {time.Millisecond, 3}, "WeCom's": {6 * time.Millisecond, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := newTurnstile(4)
				gate.spread = 0
				defer gate.stop()
				var calls []*passage
				for range 3 {
					calls = append(calls, enter(t, gate, tasks.Bulk))
				}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				var asking atomic.Int64
				for range 5 {
					go func() {
						if _, err := gate.enter(ctx, tasks.Bulk, ""); err == nil {
							asking.Add(1)
						}
					}()
				}
				synctest.Wait()
				for _, call := range calls {
					call.answer(spent(tt.ahead))
				}
				for _, call := range calls {
					call.release()
				}
				synctest.Wait()
				if got := int(asking.Load()); got != tt.want {
					t.Errorf("%d ask at the same time, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestWhoIsToldToWaitStaysFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(8)
		defer gate.stop()
		first := enter(t, gate, tasks.Default)
		first.answer(tasks.Admission{Verdict: tasks.Wait, Wait: 50 * time.Millisecond, Concurrency: 1})
		through := make(chan string, 2)
		go func() {
			let, err := first.again(t.Context())
			if err != nil {
				t.Error(err)
			}
			through <- "first"
			let.answer(free)
		}()
		synctest.Wait()
		go func() {
			enter(t, gate, tasks.Default).answer(free)
			through <- "second"
		}()
		synctest.Wait()
		if len(through) > 0 {
			t.Fatalf("%s went before the time", <-through)
		}
		if got := []string{<-through, <-through}; !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("order %v", got)
		}
	})
}

func TestFewerCallsWhileWeComIsCrowded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(8)
		defer gate.stop()
		enter(t, gate, tasks.Critical).answer(tasks.Admission{Verdict: tasks.Go, Concurrency: 0.25})
		enter(t, gate, tasks.Critical).answer(tasks.Admission{Verdict: tasks.Final}) // says nothing about it
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errImpatient)
		defer cancel()
		if _, err := gate.enter(ctx, tasks.Critical, ""); !errors.Is(err, errImpatient) {
			t.Errorf("error %v, want a third call of two to wait in vain", err)
		}
	})
}

func TestWhoGivesUpIsInNobodysWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(1)
		defer gate.stop()
		call := enter(t, gate, tasks.Default)
		ctx, stop := context.WithCancelCause(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, err := gate.enter(ctx, tasks.Critical, "")
			gaveUp <- err
		}()
		synctest.Wait()
		stop(errStopping)
		if err := <-gaveUp; !errors.Is(err, errStopping) {
			t.Errorf("error %v, want the cause", err)
		}
		call.answer(free)
		call.release()
		enter(t, gate, tasks.Bulk)
	})
}

// sharedRate is the rate of an app that many processes share, as internal/pacing keeps it.
type sharedRate struct {
	mu       sync.Mutex
	interval time.Duration
	spentTo  time.Time
	asked    int
	admitted int
}

func (r *sharedRate) ask(p tasks.Priority) tasks.Admission {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	now := time.Now()
	if wait := r.spentTo.Add(-p.HeadStart()).Sub(now); wait > 0 {
		return tasks.Admission{Verdict: tasks.Wait, Wait: wait, Spacing: r.spentTo.Sub(now), Concurrency: 1}
	}
	r.admitted++
	if r.spentTo.Before(now) {
		r.spentTo = now
	}
	r.spentTo = r.spentTo.Add(r.interval)
	return spent(r.spentTo.Sub(now))
}

// send lets a handler of one process send messages until ctx ends, and counts them.
func (r *sharedRate) send(ctx context.Context, gate *turnstile, p tasks.Priority, sent *atomic.Int64) {
	for ctx.Err() == nil {
		let, err := gate.enter(ctx, p, "")
		for err == nil {
			a := r.ask(p)
			let.answer(a)
			if a.Verdict == tasks.Go {
				break
			}
			let, err = let.again(ctx)
		}
		if err != nil {
			return
		}
		sent.Add(1)
		<-time.After(100 * time.Millisecond) // the call
		let.release()
	}
}

func TestManyProcessesAskInTurnsAndLoseNoneOfTheRate(t *testing.T) {
	t.Parallel()
	const processes, lasts = 100, 20 * time.Second
	for name, perMinute := range map[string]int{"at WeCom's limit": 10_000, "at a low one": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rate := &sharedRate{interval: time.Minute / time.Duration(perMinute)}
				ctx, cancel := context.WithTimeout(t.Context(), lasts)
				defer cancel()
				var handlers sync.WaitGroup
				sent := make([]atomic.Int64, processes)
				for i := range processes {
					gate := newTurnstile(4)
					defer gate.stop()
					for range 3 {
						handlers.Go(func() { rate.send(ctx, gate, tasks.Bulk, &sent[i]) })
					}
				}
				handlers.Wait()
				if want := int(lasts / rate.interval); rate.admitted < want*99/100 {
					t.Errorf("%d messages were sent, %d were allowed", rate.admitted, want)
				}
				// Without the spread each process asks for every call: 15,000 times a second.
				if asked := float64(rate.asked) / lasts.Seconds(); asked > 4500 {
					t.Errorf("%.0f questions a second for %d calls", asked, perMinute/60)
				}
				if share := rate.admitted / processes; share > 20 { // else chance leaves some without
					for i := range sent {
						if sent[i].Load() == 0 {
							t.Errorf("process %d has sent nothing, %d each were due", i, share)
						}
					}
				}
				t.Logf("%.0f questions a second for %d calls", float64(rate.asked)/lasts.Seconds(), perMinute/60)
			})
		})
	}
}
