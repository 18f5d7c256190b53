package worker

import (
	"context"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

const (
	// handlersPerCall is how many handlers a server has for each call that may be in flight: while some messages are
	// called, the outcomes of others are recorded.
	handlersPerCall = 4
	// aheadFor is for how long a server takes messages ahead of their calls, so that those that come together are
	// admitted in one round trip: at most half as many as may be called.
	aheadFor = 20 * time.Millisecond
	// startPatience bounds the wait for the handlers of dequeued messages to start: asynq starts none for a task
	// whose deadline is over.
	startPatience = 10 * time.Millisecond
)

// room bounds how many messages of an asynq server wait for their call or are being called. In the queue, another
// process could take them, and more urgent ones precede them.
type room struct {
	calls     int // that may be in flight
	turnstile *turnstile
	changed   chan struct{}

	mu       sync.Mutex
	dequeued int // messages whose handler has not started yet
	taken    int // messages that wait for their call or are being called
}

func newRoom(calls int, t *turnstile) *room {
	return &room{calls: calls, turnstile: t, changed: make(chan struct{}, 1)}
}

// await waits until there is room, or ctx ends.
func (r *room) await(ctx context.Context) {
	r.awaitHandlers(ctx)
	for ctx.Err() == nil && r.left() <= 0 {
		select {
		case <-r.changed:
		case <-ctx.Done():
		}
	}
}

// awaitHandlers waits until the handlers of all dequeued messages have started.
func (r *room) awaitHandlers(ctx context.Context) {
	if !r.starting() {
		return
	}
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	for r.starting() {
		select {
		case <-r.changed:
		case <-patience.C:
			r.change(func() { r.dequeued = 0 })
		case <-ctx.Done():
			return
		}
	}
}

func (r *room) starting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dequeued > 0
}

func (r *room) left() int {
	ahead := min(r.turnstile.ahead(aheadFor), r.calls/2)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls + ahead - r.taken
}

// free is for how many messages there is room: at least one, and at most as many as may be called, so that another
// process that waits for messages gets the next ones.
func (r *room) free() int { return min(max(1, r.left()), r.calls) }

// enter counts a message that was dequeued.
func (r *room) enter() { r.change(func() { r.dequeued++ }) }

// counted counts the messages that are handled, until they leave.
func (r *room) counted(handle asynq.HandlerFunc) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		r.change(func() { r.dequeued, r.taken = max(0, r.dequeued-1), r.taken+1 })
		leave := sync.OnceFunc(func() { r.change(func() { r.taken-- }) })
		defer leave()
		return handle(context.WithValue(ctx, leaveKey{}, leave), task)
	}
}

// leaveKey is the key under which the context of a handler has the function that leaves its room.
type leaveKey struct{}

// leaveRoom makes room for another message once the call of this one has ended.
func leaveRoom(ctx context.Context) {
	if leave, ok := ctx.Value(leaveKey{}).(func()); ok {
		leave()
	}
}

// change changes the counts.
func (r *room) change(counts func()) {
	r.mu.Lock()
	counts()
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default: // a signal is pending
	}
}
