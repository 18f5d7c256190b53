package worker

import (
	"context"
	"errors"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/tasks"
)

// Broadcasts enqueues the calls of the app's broadcasts.
type Broadcasts interface {
	// Feed enqueues the next calls of a broadcast.
	Feed(ctx context.Context, id string) (broadcast.Step, error)
	// Heal enqueues lost tasks of broadcasts.
	Heal(ctx context.Context) error
}

// feed enqueues the next calls of a broadcast. Its task then returns to the queue until more calls can be
// enqueued.
func (l *lane) feed(ctx context.Context, task *asynq.Task) error {
	payload, err := tasks.Decode(task.Type(), task.Payload())
	if err != nil {
		return l.unreadable(task, err)
	}
	step, err := l.app.Broadcasts.Feed(ctx, payload.ID)
	switch {
	case err != nil:
		l.log.WithLevel(l.levelOf(err)).Err(err).Msg("could not enqueue the next calls of a broadcast")
		return later(err, redisRetry)
	case step.Over:
		return nil
	}
	return later(errors.New(step.Note), step.Wait)
}
