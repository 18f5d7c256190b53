package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/bench/stage"
)

// watch finds out when alerts arrive. It queries the simulator for each of them, and only for messages since the
// one before: reading everything would load the machine as much as the broadcast.
type watch struct {
	simulator *stage.Simulator
	followers errgroup.Group

	mu      sync.Mutex
	given   int
	arrived map[string]time.Time
	seq     int64 // of an alert that has arrived
}

func newWatch(s *stage.Simulator) *watch {
	return &watch{simulator: s, arrived: map[string]time.Time{}}
}

// follow waits for an alert that is about to be enqueued, until ctx ends.
func (w *watch) follow(ctx context.Context, user string) {
	w.mu.Lock()
	w.given++
	query := fmt.Sprintf("user=%s&limit=1&since=%d", user, w.seq)
	w.mu.Unlock()
	w.followers.Go(func() error {
		for ctx.Err() == nil {
			found, err := w.simulator.Messages(ctx, query)
			switch {
			case len(found) > 0:
				w.note(user, found[0].At, found[0].Seq)
				return nil
			case err == nil:
				_ = stage.Wait(ctx, pollInterval)
			case ctx.Err() == nil:
				return err
			}
		}
		return nil
	})
}

// end waits until all have arrived, or the time is over, and returns when they arrived.
func (w *watch) end() (map[string]time.Time, error) {
	err := w.followers.Wait()
	return w.arrived, err
}

func (w *watch) note(user string, at time.Time, seq int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived[user] = at
	w.seq = max(w.seq, seq)
}

// counts returns how many alerts were enqueued, and how many of them are known to have arrived.
func (w *watch) counts() (given, arrived int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.given, len(w.arrived)
}
