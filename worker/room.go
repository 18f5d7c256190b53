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
	// startPatience bounds the wait for the handlers of dequeued messages to start: asynq starts none for a task
	// whose deadline is over.
	startPatience = 10 * time.Millisecond
)

// room bounds how many messages an asynq server of a lane handles at the same time.
type room struct {
	calls     int // that may be in flight
	turnstile *turnstile
	dequeued  atomic.Int64 // messages without a handler yet
	handled   atomic.Int64 // messages with a handler
	changed   chan struct{}
}

func newRoom(calls int, t *turnstile) *room {
	return &room{calls: calls, turnstile: t, changed: make(chan struct{}, 1)}
}

// most is the most messages that there can be room for.
func (r *room) most() int { return r.calls * (1 + mostAhead) }

// free waits until there is room, and returns for how many messages: at most as many as may be called, so that
// another process gets the next ones if it waits for some. It returns 0 if ctx ends first.
func (r *room) free(ctx context.Context) int {
	r.awaitHandlers(ctx)
	for {
		free := r.calls + min(mostAhead*r.calls, r.turnstile.ahead(aheadFor)) - int(r.handled.Load())
		if free > 0 {
			return min(free, r.calls)
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return 0
		}
	}
}

// awaitHandlers waits until all dequeued messages have a handler.
func (r *room) awaitHandlers(ctx context.Context) {
	if r.dequeued.Load() <= 0 {
		return
	}
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	for r.dequeued.Load() > 0 {
		select {
		case <-r.changed:
		case <-patience.C:
			r.dequeued.Store(0)
		case <-ctx.Done():
			return
		}
	}
}

// counted counts the messages that are handled.
func (r *room) counted(handle asynq.HandlerFunc) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		r.handled.Add(1)
		r.dequeued.Add(-1)
		r.signal()
		defer r.signal()
		defer r.handled.Add(-1)
		return handle(ctx, task)
	}
}

func (r *room) signal() {
	select {
	case r.changed <- struct{}{}:
	default: // a signal is pending
	}
}
