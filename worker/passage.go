package worker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// passage is a handler that has passed the turnstile, until its call is over.
type passage struct {
	*turnstile
	*waiter

	queued   bool // it is counted in asking until it is answered
	answered bool
	goes     bool // it was told to
	began    time.Time
}

// again is for a handler that was told to wait: it leaves, and queues up again in its former place.
func (p *passage) again(ctx context.Context) (*passage, error) {
	w := &waiter{p.priority, p.sender, p.number, make(chan struct{})}
	p.mu.Lock()
	p.inFlight--
	queue := p.waiting[rank(w.priority)]
	place, _ := slices.BinarySearchFunc(queue, w.number, func(other *waiter, number uint64) int {
		return cmp.Compare(other.number, number)
	})
	p.waiting[rank(w.priority)] = slices.Insert(queue, place, w)
	p.end()
	p.mu.Unlock()
	return p.await(ctx, w)
}

// answer reports the pacer's answer, which opens the turnstile for the next handler or closes it for a while.
func (p *passage) answer(a tasks.Admission) {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent := a.Spacing
	if a.Verdict == tasks.Wait { // for the rate, or for a probe
		spent = a.Wait + p.priority.HeadStart()
	}
	p.goes = a.Verdict == tasks.Go
	if p.goes || a.Verdict == tasks.Wait {
		p.spacing = spent
	}
	if p.spread > 0 {
		spent += jitter(p.spread)
	}
	if to := time.Now().Add(spent); to.After(p.spentTo) {
		p.spentTo = to
	}
	if a.Concurrency > 0 { // 0 if the limits were not consulted
		p.limit = max(1, int(float64(p.size)*a.Concurrency))
	}
	p.end()
}

// end lets the next one ask.
func (p *passage) end() {
	if p.queued && !p.answered {
		p.asking--
	}
	p.answered = true
	p.next()
}

// release ends the passage and its call.
func (p *passage) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	if p.goes {
		p.noteCall(time.Since(p.began))
	}
	p.end()
}
