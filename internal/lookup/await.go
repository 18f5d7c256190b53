package lookup

import (
	"context"
	"errors"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

// The pauses between looks grow: quick answers show at once, long ones cost little.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// Await looks with find until a message has ended, or ctx ends, and outlasts an outage of
// Redis. The record is the last that was seen; a look is not broken off by ctx, because what is
// known must be told. note is called after each look: with nil if Redis served it, with the
// error of an outage else.
func Await(ctx context.Context, id string, find func(context.Context, string) (tasks.Record, error), note func(error)) (tasks.Record, error) {
	last := tasks.Record{ID: id}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
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
		case <-time.After(pause):
		case <-ctx.Done():
			return last, context.Cause(ctx)
		}
	}
}
