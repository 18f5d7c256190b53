package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/tasks"
)

// callOnce lets one message pass a turnstile, whose call takes so long.
func callOnce(t *testing.T, gate *turnstile, took time.Duration, a tasks.Admission) {
	t.Helper()
	call := enter(t, gate, tasks.Bulk)
	call.answer(a)
	<-time.After(took)
	call.release()
}

func TestRoomIsForWhatIsCalledSoon(t *testing.T) {
	t.Parallel()
	crowded := tasks.Admission{Verdict: tasks.Go, Concurrency: 0.25}
	for name, tt := range map[string]struct {
		took, ago time.Duration
		a         tasks.Admission
		want      int // messages at the same time, if eight may be called
	}{
		"calls of 10 ms":            {10 * time.Millisecond, 0, free, 8 + 4},
		"calls of 50 ms":            {50 * time.Millisecond, 0, free, 8 + 3},
		"calls of 200 ms":           {200 * time.Millisecond, 0, free, 8},
		"two calls may be made":     {20 * time.Millisecond, 0, crowded, 8 + 2},
		"the last call is long ago": {time.Millisecond, 2 * time.Second, free, 8},
		"the rate is a limit":       {time.Millisecond, 0, spent(6 * time.Millisecond), 8},
		"a message not called":      {time.Millisecond, 0, tasks.Admission{Verdict: tasks.Hold}, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := newTurnstile(8)
				defer gate.stop()
				callOnce(t, gate, tt.took, tt.a)
				<-time.After(tt.ago)
				r, end, got := newRoom(8, gate), make(chan struct{}), 0
				handle := r.counted(func(context.Context, *asynq.Task) error { <-end; return nil })
				ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
				defer stop()
				for r.await(ctx); ctx.Err() == nil; r.await(ctx) {
					if n := r.free(); n < 1 || n > 8 {
						t.Errorf("free for %d, want one to eight", n)
					}
					got++
					r.enter()
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

func TestThereIsRoomAgainAfterTheCall(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]func(context.Context){
		"while the outcome is recorded": func(ctx context.Context) { <-time.After(time.Second); leaveRoom(ctx); <-ctx.Done() },
		"when there was no call":        func(context.Context) { <-time.After(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := newTurnstile(1)
				defer gate.stop()
				r := newRoom(1, gate)
				ctx, end := context.WithCancel(t.Context())
				defer end()
				for range 2 {
					r.enter() // asynq starts no handler for the second
				}
				go func() {
					_ = r.counted(func(ctx context.Context, _ *asynq.Task) error { handle(ctx); return nil })(ctx, nil)
				}()
				start := time.Now()
				r.await(t.Context())
				if took := time.Since(start); took != time.Second {
					t.Errorf("room after %s, want it after 1s", took)
				}
				if left := r.left(); left != 1 {
					t.Errorf("room for %d, want one", left)
				}
			})
		})
	}
}

// A handler that starts after all is not counted twice.
func TestAHandlerThatStartsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(2)
		defer gate.stop()
		r := newRoom(2, gate)
		r.enter()
		r.await(t.Context()) // as long as it has patience
		_ = r.counted(func(context.Context, *asynq.Task) error { return nil })(t.Context(), nil)
		r.enter()
		if !r.starting() {
			t.Error("the next message counts as if it had a handler")
		}
	})
}
