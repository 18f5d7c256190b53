package worker

import (
	"context"
	"errors"
	"slices"
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
	let, err := gate.enter(t.Context(), p)
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
		defer gate.stop()
		enter(t, gate, tasks.Default).answer(spent(time.Second + 240*time.Millisecond))
		start := time.Now()
		through := make(chan passed, 4)
		for _, w := range []struct {
			name     string
			priority tasks.Priority
		}{{"bulk 1", tasks.Bulk}, {"bulk 2", tasks.Bulk}, {"default", tasks.Default}, {"critical", tasks.Critical}} {
			go func() {
				let := enter(t, gate, w.priority)
				through <- passed{w.name, time.Since(start)}
				let.answer(spent(time.Second + 240*time.Millisecond))
				let.leave()
			}()
			synctest.Wait()
		}
		got := []passed{<-through, <-through, <-through, <-through}
		want := []passed{
			{"critical", time.Second},
			{"default", time.Second + 1080*time.Millisecond},
			{"bulk 1", time.Second + 1080*time.Millisecond + 1160*time.Millisecond},
			{"bulk 2", time.Second + 1080*time.Millisecond + 2*1160*time.Millisecond},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("who was let through when (-want +got):\n%s", diff)
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
		turns[0].leave()
		synctest.Wait()
		if !waits {
			t.Fatal("a bulk message took the place that is kept for critical ones")
		}
		turns[1].answer(free)
		turns[1].leave()
		synctest.Wait()
		if waits {
			t.Fatal("it still waits though a place is free")
		}
	})
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
		if _, err := gate.enter(ctx, tasks.Critical); !errors.Is(err, errImpatient) {
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
			_, err := gate.enter(ctx, tasks.Critical)
			gaveUp <- err
		}()
		synctest.Wait()
		stop(errStopping)
		if err := <-gaveUp; !errors.Is(err, errStopping) {
			t.Errorf("error %v, want the cause", err)
		}
		call.answer(free)
		call.leave()
		enter(t, gate, tasks.Bulk)
	})
}
