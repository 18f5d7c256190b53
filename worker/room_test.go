package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/tasks"
)

// called lets one call pass a turnstile, which takes so long.
func called(t *testing.T, gate *turnstile, took time.Duration, a tasks.Admission) {
	t.Helper()
	call := enter(t, gate, tasks.Bulk)
	call.answer(a)
	<-time.After(took)
	call.release()
}

func TestRoomIsForWhatIsCalledSoon(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		took time.Duration
		a    tasks.Admission
		want int // messages at the same time, if four may be called
	}{
		"calls of 10 ms":       {10 * time.Millisecond, free, 4 + 8},
		"calls of 1 ms":        {time.Millisecond, free, 4 + 12},
		"calls of 100 ms":      {100 * time.Millisecond, free, 4},
		"at the app's rate":    {time.Millisecond, spent(65 * time.Millisecond), 4},
		"far from the rate":    {time.Millisecond, spent(6 * time.Millisecond), 4 + 12},
		"a message not called": {time.Millisecond, tasks.Admission{Verdict: tasks.Hold}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := newTurnstile(4)
				defer gate.stop()
				called(t, gate, tt.took, tt.a)
				r, end, got := newRoom(4, gate), make(chan struct{}), 0
				handle := r.counted(func(context.Context, *asynq.Task) error { <-end; return nil })
				ctx, stop := context.WithTimeout(t.Context(), time.Second)
				defer stop()
				for n := r.free(ctx); n > 0; n = r.free(ctx) {
					if n > 4 {
						t.Errorf("%d at once, want four at most", n)
					}
					got++
					r.dequeued.Add(1)
					go func() { _ = handle(t.Context(), nil) }() // asynq does not wait for it to start
				}
				if got != tt.want {
					t.Errorf("room for %d messages, want %d", got, tt.want)
				}
				close(end)
			})
		})
	}
}

func TestThereIsRoomAgainWhenAMessageWasHandled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(1)
		defer gate.stop()
		r, end := newRoom(1, gate), make(chan struct{})
		r.dequeued.Add(2) // asynq starts no handler for the second
		go func() {
			_ = r.counted(func(context.Context, *asynq.Task) error { <-end; return nil })(t.Context(), nil)
		}()
		time.AfterFunc(time.Second, func() { close(end) })
		start := time.Now()
		if n := r.free(t.Context()); n != 1 || time.Since(start) != time.Second {
			t.Errorf("room for %d after %s, want 1 after 1s", n, time.Since(start))
		}
	})
}
