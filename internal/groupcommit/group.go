// Package groupcommit combines concurrent requests of goroutines into one call.
package groupcommit

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// Group collects requests while a call is in progress, and sends all of them in the next one. There is no timer:
// a request that finds no call in progress is sent at once, with those of goroutines that are ready to run.
type Group[Q, A any] struct {
	commit func(context.Context, []Q) []Answer[A]
	weight func(Q) int
	most   int

	mu      sync.Mutex
	flying  bool
	waiting []*question[Q, A]
}

// Answer is the answer to one request.
type Answer[A any] struct {
	Value A
	Err   error
}

type question[Q, A any] struct {
	ctx    context.Context //nolint:containedctx // of whoever asks; the call goes on without its end
	q      Q
	answer chan *Answer[A] // a pointer: answers can be large
}

// One is the weight of requests that all count the same.
func One[Q any](Q) int { return 1 }

// Answers makes the answers of one call: err for all of them if it failed, otherwise the result of read for each reply.
func Answers[Q, A any](asked []Q, replies []any, err error, read func(Q, any) (A, error)) []Answer[A] {
	if err == nil && len(replies) != len(asked) {
		err = fmt.Errorf("%d replies to %d questions", len(replies), len(asked))
	}
	answers := make([]Answer[A], len(asked))
	for i, q := range asked {
		if answers[i].Err = err; err == nil {
			answers[i].Value, answers[i].Err = read(q, replies[i])
		}
	}
	return answers
}

// New returns a group whose calls are made by commit, which returns an answer for each request, in order. The
// weights of the requests of one call add up to at most most, unless there is only one.
func New[Q, A any](most int, weight func(Q) int, commit func(context.Context, []Q) []Answer[A]) *Group[Q, A] {
	return &Group[Q, A]{commit: commit, weight: weight, most: most}
}

// Do sends a request and returns the answer, or the cause if ctx ends first: the request may have been answered
// all the same. The call has the values of the context of its first request, but does not end with it.
func (g *Group[Q, A]) Do(ctx context.Context, q Q) (A, error) {
	asked := &question[Q, A]{ctx, q, make(chan *Answer[A], 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, asked)
	if !g.flying {
		g.flying = true
		go g.fly() //nolint:contextcheck // each call has that of its first question
	}
	g.mu.Unlock()
	select {
	case answer := <-asked.answer:
		return answer.Value, answer.Err
	case <-ctx.Done():
		var none A
		return none, context.Cause(ctx)
	}
}

// fly makes one call after the other until no request waits.
func (g *Group[Q, A]) fly() {
	for {
		runtime.Gosched() // those about to ask join: after a dequeue of several tasks, the first would go alone
		batch := g.board()
		if len(batch) == 0 {
			return
		}
		questions := make([]Q, len(batch))
		for i, asked := range batch {
			questions[i] = asked.q
		}
		answers := g.commit(context.WithoutCancel(batch[0].ctx), questions)
		for i := range answers {
			batch[i].answer <- &answers[i]
		}
	}
}

// board takes the requests for the next call, the longest waiting first.
func (g *Group[Q, A]) board() []*question[Q, A] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, weight := 0, 0
	for n < len(g.waiting) {
		weight += g.weight(g.waiting[n].q)
		if n > 0 && weight > g.most {
			break
		}
		n++
	}
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.flying = n > 0
	return batch
}
