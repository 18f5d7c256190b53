package lookup

import (
	"context"
	"errors"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

// The waits between looks grow: quick answers show at once, long ones cost little.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = time.Second
)

// Await looks with find until a message has ended, or ctx ends, and outlasts an outage of
// Redis. The record is the last that was seen; a look is not broken off by ctx, because what is
// known must be told. note is called after each look: with nil if Redis served it, with the
// error of an outage else.
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
