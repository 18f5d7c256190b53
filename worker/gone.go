package worker

import (
	"context"
	"sync"
	"time"
)

const (
	// gonePause is how long the ids of acknowledged tasks are collected: nothing waits for what follows.
	gonePause = 200 * time.Millisecond
	// mostGone is how many are enough to go on at once.
	mostGone = 256
	// mostKept is how many are kept while Redis is unavailable.
	mostKept = 10_000
	// goneTimeout bounds one attempt: a worker that stops waits for it.
	goneTimeout = 3 * time.Second
)

// goneTasks collects the ids of acknowledged tasks, whose records may expire: one round trip serves many.
type goneTasks struct {
	mu   sync.Mutex
	ids  []string
	some chan struct{} // there are ids
	full chan struct{} // there are mostGone
}

func newGoneTasks() *goneTasks {
	return &goneTasks{some: make(chan struct{}, 1), full: make(chan struct{}, 1)}
}

func (g *goneTasks) add(ids ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ids = append(g.ids, ids...)
	g.ids = g.ids[max(0, len(g.ids)-mostKept):]
	signal(g.some)
	if len(g.ids) >= mostGone {
		signal(g.full)
	}
}

func (g *goneTasks) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids := g.ids
	g.ids = nil
	return ids
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a signal is pending
	}
}

// startExpiry lets the records of messages expire whose tasks are gone. stop does so for the last ones.
func (l *lane) startExpiry(ctx context.Context) (stop func()) {
	return inBackground(context.WithoutCancel(ctx), func(ctx context.Context) {
		for ctx.Err() == nil {
			select {
			case <-l.gone.some:
			case <-ctx.Done():
			}
			select {
			case <-l.gone.full:
			case <-time.After(gonePause):
			case <-ctx.Done():
			}
			if !l.expire(ctx) {
				select {
				case <-time.After(redisRetry):
				case <-ctx.Done():
				}
			}
		}
		l.expire(ctx)
	})
}

// expire lets the records of the collected messages expire. If Redis fails, they wait for the next time; those of
// a worker that stops stay longer.
func (l *lane) expire(ctx context.Context) bool {
	ids := l.gone.take()
	if len(ids) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goneTimeout)
	defer cancel()
	if err := l.app.Ledger.TasksGone(ctx, ids...); err != nil {
		l.log.WithLevel(l.levelOf(err)).Err(err).Int("messages", len(ids)).Msg("records are kept longer than necessary")
		l.gone.add(ids...)
		return false
	}
	return true
}
