package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// turnstile lets the handlers of a lane ask for admission, the highest priority first, and limits how many
// calls are in flight. Below the limits all pass at once. At a limit, one asks at a time, when the app's rate
// allows, so that an alert waits for one call and not for the backlog; only if the rate is no limit, they ask
// together. Within a priority, no sender passes twice in a row while another waits.
type turnstile struct {
	size   int           // configured number of calls in flight
	spread time.Duration // maximum random delay before a handler asks, see askSpread

	mu       sync.Mutex
	waiting  [][]*waiter   // by rank, longest waiting first
	timer    *time.Timer   // wakes the first waiter
	asking   int           // handlers that waited, passed and have no answer yet
	spentTo  time.Time     // until when the app's rate is used up
	spacing  time.Duration // how far ahead it was used up at the last answer
	limit    int           // calls in flight allowed now
	came     uint64        // handlers that have arrived so far
	inFlight int
	last     string        // the sender that passed last
	took     time.Duration // from passing to the end of the call, moving average
	called   time.Time     // the end of the last call
}

// askSpread keeps the processes from all asking at the moment the rate opens: each asks late by a random time
// up to this. With a round trip to Redis it is less than the head start of the lowest priority, so none of the rate is
// lost, and less than the head start of one priority over the next, so no alert is overtaken.
const askSpread = 45 * time.Millisecond

const (
	// tookOver is over how many calls their time is averaged.
	tookOver = 32
	// farFromRate is the interval between calls below which the app's rate is no limit: 30,000 calls a minute. WeCom
	// allows 10,000 (90312).
	farFromRate = 2 * time.Millisecond
)

// waiter is a handler that waits to pass.
type waiter struct {
	priority tasks.Priority
	sender   string
	number   uint64 // in order of arrival
	pass     chan struct{}
}

// errStopping is returned to a handler that is still waiting when the lane stops, errImpatient to one that
// has waited too long.
var (
	errStopping  = errors.New("the worker is stopping")
	errImpatient = errors.New("waited long for the app's rate; others were more urgent")
)

func newTurnstile(size int) *turnstile {
	t := &turnstile{size: size, spread: askSpread, limit: size, waiting: make([][]*waiter, len(tasks.Priorities()))}
	t.timer = time.AfterFunc(time.Hour, t.wake)
	return t
}

// enter waits until a message of this priority and sender may ask. If ctx ends first, it returns the cause. A
// handler that passed must call answer, and leave after the call.
func (t *turnstile) enter(ctx context.Context, p tasks.Priority, sender string) (*passage, error) {
	t.mu.Lock()
	t.came++
	w := &waiter{p, sender, t.came, make(chan struct{})}
	if now := time.Now(); t.idle() && t.open(p, now) {
		t.inFlight++
		t.mu.Unlock()
		return &passage{turnstile: t, waiter: w, began: now}, nil
	}
	t.waiting[rank(p)] = append(t.waiting[rank(p)], w)
	t.next()
	t.mu.Unlock()
	return t.await(ctx, w)
}

func (t *turnstile) await(ctx context.Context, w *waiter) (*passage, error) {
	p := &passage{turnstile: t, waiter: w, queued: true}
	select {
	case <-w.pass:
		p.began = time.Now()
		return p, nil
	case <-ctx.Done():
		return nil, t.abandon(w, p, context.Cause(ctx))
	}
}

// abandon removes a waiter, unless it has passed meanwhile.
func (t *turnstile) abandon(w *waiter, p *passage, cause error) error {
	t.mu.Lock()
	queue := t.waiting[rank(w.priority)]
	i := slices.Index(queue, w)
	if i >= 0 {
		t.waiting[rank(w.priority)] = slices.Delete(queue, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 {
		p.release()
	}
	return cause
}

// idle reports whether no handler waits.
func (t *turnstile) idle() bool {
	return !slices.ContainsFunc(t.waiting, func(queue []*waiter) bool { return len(queue) > 0 })
}

// open reports whether a message of this priority may ask now.
func (t *turnstile) open(p tasks.Priority, now time.Time) bool {
	return t.inFlight < t.slots(p) && !now.Before(t.opens(p))
}

// opens is when the app's rate allows a message of this priority.
func (t *turnstile) opens(p tasks.Priority) time.Time { return t.spentTo.Add(-p.HeadStart()) }

// slots is the limit of calls in flight for this priority: one is reserved for critical
// messages.
func (t *turnstile) slots(p tasks.Priority) int {
	if p == tasks.Critical || t.limit == 1 {
		return t.limit
	}
	return t.limit - 1
}

// isUnlimited reports whether calls follow each other so quickly that the app's rate is no limit.
func (t *turnstile) isUnlimited() bool { return t.spacing < farFromRate }

// next lets waiters pass, or sets the timer for the first. The caller holds the mutex.
func (t *turnstile) next() {
	for t.nextPasses() {
	}
}

// nextPasses lets the first waiter pass if it may.
func (t *turnstile) nextPasses() bool {
	for r, queue := range t.waiting {
		if len(queue) == 0 {
			continue
		}
		i, now := t.nextWaiter(queue), time.Now()
		first := queue[i]
		switch {
		case t.asking > 0 && !t.isUnlimited() || t.inFlight >= t.slots(first.priority):
			// its answer, or the end of a call, comes back here
		case now.Before(t.opens(first.priority)):
			t.timer.Reset(t.opens(first.priority).Sub(now))
		default:
			t.waiting[r] = slices.Delete(queue, i, i+1)
			t.asking, t.last = t.asking+1, first.sender
			t.inFlight++
			close(first.pass)
			return true
		}
		return false
	}
	return false
}

// nextWaiter is the index of the waiter whose turn it is: the first of a different sender than the last one, or the
// first of all.
func (t *turnstile) nextWaiter(queue []*waiter) int {
	return max(0, slices.IndexFunc(queue, func(w *waiter) bool { return w.sender != t.last }))
}

// ahead is how many messages are called within so long, by the calls of the last second. It is 0 unless the app's rate is
// no limit.
func (t *turnstile) ahead(within time.Duration) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.isUnlimited() || t.took == 0 || time.Since(t.called) > time.Second {
		return 0
	}
	return int(within * time.Duration(t.limit) / t.took)
}

// wake runs when the timer fires.
func (t *turnstile) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// stop ends the timer.
func (t *turnstile) stop() { t.timer.Stop() }

// noteCall adds how long a message had its place to the average.
func (t *turnstile) noteCall(took time.Duration) {
	if t.took == 0 {
		t.took = took
	}
	t.took += (took - t.took) / tookOver
	t.called = time.Now()
}

// rank is the position of a priority, 0 for the highest.
func rank(p tasks.Priority) int { return slices.Index(tasks.Priorities(), p) }
