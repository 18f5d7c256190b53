package lookup

import (
	"context"
	"errors"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

// The intervals between look-ups grow: quick results show at once, slow ones cost little.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = time.Second
)

// Await calls find until a message has ended, or ctx ends, and survives an outage of Redis. It returns the last
// record that it saw; ctx does not interrupt a look-up, so that the latest state is returned. note is called
// after each look-up: with nil if Redis answered, or with the error of an outage.
func Await(ctx context.Context, id string, find func(context.Context, string) (tasks.Record, error), note func(error)) (tasks.Record, error) {
	last := tasks.Record{ID: id}
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		seen, err := find(context.WithoutCancel(ctx), id)
		switch {
		case err == nil:
			last = seen
		case errors.Is(err, ErrNotFound) || !asynqx.IsOutage(err):
			return last, err
		}
		note(err)
		if last.State.Final() {
			return last, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return last, context.Cause(ctx)
		}
	}
}
