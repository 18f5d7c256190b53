package worker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// turnstile lets the handlers of a lane ask for leave to call, the highest
// priority first, and no more at once than may be calling. While nothing is
// limited all pass it at once; at the limit one asks at a time, when the app's
// rate allows, so that an alert waits for one call and not for the backlog.
type turnstile struct {
	size int // calls in flight that the app is configured with

	mu       sync.Mutex
	waiting  [][]*waiter // by rank, the longest waiting first
	timer    *time.Timer // wakes the first waiter
	asking   bool        // a waiter that was let through has not got its answer yet
	spentTo  time.Time   // how far the app's rate is spent
	limit    int         // calls in flight that are allowed now
	came     uint64      // handlers so far
	inFlight int
}

// waiter is a handler that waits to be let through.
type waiter struct {
	priority tasks.Priority
	number   uint64 // in the order in which handlers came
	pass     chan struct{}
}

// errStopping is the answer to a handler that still waits when the lane stops,
// errImpatient to one whose wait is over.
var (
	errStopping  = errors.New("the worker is stopping")
	errImpatient = errors.New("waited long for the app's rate; others were more urgent")
)

func newTurnstile(size int) *turnstile {
	t := &turnstile{size: size, limit: size, waiting: make([][]*waiter, len(tasks.Priorities()))}
	t.timer = time.AfterFunc(time.Hour, t.wake)
	return t
}

// enter waits until a message of this priority may ask. It returns the cause when
// ctx ends first. Whoever is let through calls answer, and leave when the call is
// over.
func (t *turnstile) enter(ctx context.Context, p tasks.Priority) (*turn, error) {
	t.mu.Lock()
	t.came++
	w := &waiter{p, t.came, make(chan struct{})}
	if t.idle() && t.open(p, time.Now()) {
		t.inFlight++
		t.mu.Unlock()
		return &turn{turnstile: t, waiter: w}, nil
	}
	t.waiting[rank(p)] = append(t.waiting[rank(p)], w)
	t.next()
	t.mu.Unlock()
	return t.await(ctx, w)
}

// again is for a handler that was told to wait: it leaves, and stands in line where
// it came from.
func (t *turn) again(ctx context.Context) (*turn, error) {
	w := &waiter{t.priority, t.number, make(chan struct{})}
	t.mu.Lock()
	t.inFlight--
	queue := t.waiting[rank(w.priority)]
	place, _ := slices.BinarySearchFunc(queue, w.number, func(other *waiter, number uint64) int {
		return cmp.Compare(other.number, number)
	})
	t.waiting[rank(w.priority)] = slices.Insert(queue, place, w)
	t.end()
	t.mu.Unlock()
	return t.await(ctx, w)
}

func (t *turnstile) await(ctx context.Context, w *waiter) (*turn, error) {
	let := &turn{turnstile: t, waiter: w, queued: true}
	select {
	case <-w.pass:
		return let, nil
	case <-ctx.Done():
		return nil, t.abandon(w, let, context.Cause(ctx))
	}
}

// abandon takes a waiter out again, unless it was let through meanwhile.
func (t *turnstile) abandon(w *waiter, let *turn, cause error) error {
	t.mu.Lock()
	queue := t.waiting[rank(w.priority)]
	i := slices.Index(queue, w)
	if i >= 0 {
		t.waiting[rank(w.priority)] = slices.Delete(queue, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 {
		let.leave()
	}
	return cause
}

// idle reports whether nobody waits.
func (t *turnstile) idle() bool {
	return !slices.ContainsFunc(t.waiting, func(queue []*waiter) bool { return len(queue) > 0 })
}

// open reports whether a message of this priority may ask now.
func (t *turnstile) open(p tasks.Priority, now time.Time) bool {
	return t.inFlight < t.room(p) && !now.Before(t.opens(p))
}

// opens is when the app's rate lets a message of this priority go.
func (t *turnstile) opens(p tasks.Priority) time.Time { return t.spentTo.Add(-p.HeadStart()) }

// room is how many calls may be in flight for this priority to be let through: one
// is kept for critical messages.
func (t *turnstile) room(p tasks.Priority) int {
	if p == tasks.Critical || t.limit == 1 {
		return t.limit
	}
	return t.limit - 1
}

// next lets the first waiter through, or sets the timer for it. The caller holds
// the mutex.
func (t *turnstile) next() {
	for r, queue := range t.waiting {
		if len(queue) == 0 {
			continue
		}
		first, now := queue[0], time.Now()
		switch {
		case t.asking || t.inFlight >= t.room(first.priority):
			// its answer, or the end of a call, comes back here
		case now.Before(t.opens(first.priority)):
			t.timer.Reset(t.opens(first.priority).Sub(now))
		default:
			t.waiting[r] = queue[1:]
			t.asking = true
			t.inFlight++
			close(first.pass)
		}
		return
	}
}

// wake is what the timer does.
func (t *turnstile) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// stop ends the timer.
func (t *turnstile) stop() { t.timer.Stop() }

// turn is a handler's passage.
type turn struct {
	*turnstile
	*waiter

	queued   bool // others wait until it has got its answer
	answered bool
}

// answer passes on what the handler was told, which opens the turnstile for the
// next, or closes it for a while.
func (t *turn) answer(a tasks.Admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	spent := a.Spacing
	if a.Verdict == tasks.Wait { // for the rate, or for a probe
		spent = a.Wait + t.priority.HeadStart()
	}
	if to := time.Now().Add(spent); to.After(t.spentTo) {
		t.spentTo = to
	}
	if a.Concurrency > 0 { // 0 where the limits were not asked
		t.limit = max(1, int(float64(t.size)*a.Concurrency))
	}
	t.end()
}

// end lets the next one ask.
func (t *turn) end() {
	if t.queued && !t.answered {
		t.asking = false
	}
	t.answered = true
	t.next()
}

// leave ends the passage and its call.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight--
	t.end()
}

// rank is the place of a priority in the order of serving, 0 for the highest.
func rank(p tasks.Priority) int { return slices.Index(tasks.Priorities(), p) }
