package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

const (
	// aheadFor is for how long a server takes messages ahead of their calls: while some are called, others are admitted
	// or recorded, and those that come together share a round trip. No message waits much longer than that for its
	// call; in the queue, an idle process could take it.
	aheadFor = 20 * time.Millisecond
	// mostAhead is how many messages at most are taken ahead for each that may be called.
	mostAhead = 3
)

// room bounds how many messages an asynq server of a lane handles at the same time.
type room struct {
	calls     int // that may be in flight
	turnstile *turnstile
	handling  atomic.Int64
	ended     chan struct{} // a message was handled
}

func newRoom(calls int, t *turnstile) *room {
	return &room{calls: calls, turnstile: t, ended: make(chan struct{}, 1)}
}

// most is the most messages that there can be room for.
func (r *room) most() int { return r.calls * (1 + mostAhead) }

// free waits until there is room, and returns for how many messages: at most as many as may be called, so that
// another process gets the next ones if it waits for some. It returns 0 if ctx ends first.
func (r *room) free(ctx context.Context) int {
	for {
		free := r.calls + min(mostAhead*r.calls, r.turnstile.ahead(aheadFor)) - int(r.handling.Load())
		if free > 0 {
			return min(free, r.calls)
		}
		select {
		case <-r.ended:
		case <-ctx.Done():
			return 0
		}
	}
}

// counted counts the messages that are handled.
func (r *room) counted(handle asynq.HandlerFunc) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		r.handling.Add(1)
		defer func() {
			r.handling.Add(-1)
			select {
			case r.ended <- struct{}{}:
			default: // a signal is pending
			}
		}()
		return handle(ctx, task)
	}
}
