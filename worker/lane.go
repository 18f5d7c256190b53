package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// idlePoll makes an idle server look for work every 40 to 120 ms: asynq
	// sleeps between half and one and a half times this.
	idlePoll = 80 * time.Millisecond
	// delayedPoll is how late a retry or a scheduled message may be.
	delayedPoll = time.Second
)

// lane is all the machinery of one app in this process.
type lane struct {
	app       App
	rdb       redis.UniversalClient
	log       zerolog.Logger
	asynqLog  zerolog.Logger
	onSettled func(tasks.Record)
}

// run serves the app's queues until ctx ends, then lets the calls in flight
// finish.
func (l *lane) run(ctx context.Context) error {
	if err := l.register(ctx); err != nil {
		return err
	}
	server := asynq.NewServerFromRedisClient(asynqx.NewWorkerClient(ctx, l.rdb), asynq.Config{
		Concurrency:              l.app.Concurrency,
		Queues:                   l.queues(),
		StrictPriority:           true,
		TaskCheckInterval:        idlePoll,
		DelayedTaskCheckInterval: delayedPoll,
		// Calls in flight outlive ctx: a call that is cut off is an unknown outcome.
		BaseContext:     func() context.Context { return context.WithoutCancel(ctx) },
		ShutdownTimeout: l.app.callLimit(),
		RetryDelayFunc:  retryDelay,
		IsFailure:       isFailure,
		Logger:          &asynqLogger{l.asynqLog},
	})
	if err := server.Start(asynq.HandlerFunc(l.handle)); err != nil {
		return fmt.Errorf("start lane %s: %w", l.app.Name, err)
	}
	defer l.startSweeper(ctx)()
	l.log.Info().Int("concurrency", l.app.Concurrency).Msg("lane is up")
	<-ctx.Done()
	server.Shutdown()
	l.log.Info().Msg("lane is down")
	return nil
}

// queues are the app's three, in strict order: asynq looks into the one with
// the highest weight first.
func (l *lane) queues() map[string]int {
	all := tasks.Priorities()
	queues := make(map[string]int, len(all))
	for i, priority := range all {
		queues[tasks.Queue(l.app.Name, priority)] = len(all) - i
	}
	return queues
}

// register makes the queues visible in the dashboard before their first message.
func (l *lane) register(ctx context.Context) error {
	for queue := range l.queues() {
		if err := l.rdb.SAdd(ctx, "asynq:queues", queue).Err(); err != nil {
			return fmt.Errorf("register queue %s: %w", queue, err)
		}
	}
	return nil
}

// pause rests the app's queues on all hosts, and says so once. When Redis
// refuses, the messages that come meanwhile are held one by one.
func (l *lane) pause(ctx context.Context, d time.Duration, cause error) {
	for i, priority := range tasks.Priorities() {
		fresh, err := asynqx.PauseFor(ctx, l.rdb, tasks.Queue(l.app.Name, priority), d)
		if err != nil {
			l.log.Warn().Err(err).Msg("the app goes on")
		}
		if i > 0 || !fresh {
			continue // of the many whose messages fail together, one reports
		}
		l.log.Warn().Str("error", reason(cause)).Dur("pause_ms", d).Msg("the app is paused")
	}
}
