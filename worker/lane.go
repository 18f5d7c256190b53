package worker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/internal/tracing"
	"github.com/wecomq/wecomq/tasks"
)

// emptyPause is how long asynq sleeps after an empty dequeue. Our dequeue returns without a task only when
// the lane stops.
const emptyPause = 20 * time.Millisecond

// dropFinished is how often asynq looks for finished tasks whose retention is over.
const dropFinished = 5 * time.Minute

// lane serves one app in this process.
type lane struct {
	given       App // as configured
	app         App // with defaults
	cfg         Config
	turnstile   *turnstile
	gone        *goneTasks
	hasArchived atomic.Bool // since the last sweep
	outage      *outage
	bells       *asynqx.Bells
	clock       *redisclock.Clock
	log         zerolog.Logger
	asynqLog    zerolog.Logger
	tracer      tracing.Tracer
	handlers    sync.WaitGroup
	stopping    context.Context // ends when waiting handlers should give up
	stopped     context.Context // ends when asynq no longer waits for handlers
}

func newLane(given App, w *Worker) *lane {
	cfg := w.cfg
	app := given.withDefaults(cfg.Redis)
	tracer := tracing.New(cfg.TracerProvider)
	if tracer.On {
		app.Sender = &tracedSender{app.Sender, app.Name, tracer}
	}
	return &lane{
		given: given, app: app, cfg: cfg, turnstile: newTurnstile(app.Concurrency), gone: newGoneTasks(), outage: w.outage, bells: w.bells, clock: w.clock, tracer: tracer,
		stopping: context.Background(), stopped: context.Background(),
		log:      cfg.Logger.With().Str(fields.Component, "worker").Str(fields.App, app.Name).Logger(),
		asynqLog: cfg.Logger.With().Str(fields.Component, "asynq").Str(fields.App, app.Name).Logger(),
	}
}

// run serves the app's queues until ctx ends, then lets the calls in flight
// finish.
func (l *lane) run(ctx context.Context) error {
	stopping, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	stopped, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	l.stopping, l.stopped = stopping, stopped
	defer l.turnstile.stop()
	defer l.startSweeper(ctx)()
	defer l.startExpiry(ctx)()
	// Alerts have their own server, so that they are dequeued even while all handlers of the other one wait.
	group, ctx := errgroup.WithContext(ctx)
	context.AfterFunc(ctx, func() { stop(errStopping) })
	group.Go(func() error { return l.serve(ctx, l.app.Concurrency, tasks.Critical) })
	group.Go(func() error { return l.serve(ctx, l.turnstile.slots(tasks.Default), tasks.Default, tasks.Bulk) })
	l.log.Info().Int("concurrency", l.app.Concurrency).Msg("lane is up")
	err := group.Wait()
	// asynq does not wait for a handler whose lease it has lost, and not always long enough for the others.
	// Their outcomes are recorded now, or reported as lost.
	giveUp(errStopping)
	l.handlers.Wait()
	l.log.Info().Msg("lane is down")
	return err
}

// serve runs an asynq server for the queues of the given priorities, in strict order, with so many calls in flight.
func (l *lane) serve(ctx context.Context, calls int, priorities ...tasks.Priority) error {
	queues, inOrder := make(map[string]int, len(priorities)), make([]string, len(priorities))
	for i, priority := range priorities {
		inOrder[i] = tasks.Queue(l.app.Name, priority)
		queues[inOrder[i]] = len(priorities) - i
	}
	client := asynqx.NewWorkerClient(ctx, l.cfg.Redis, inOrder, l.outage.note)
	client.OnGone = func(id string) { l.gone.add(id) }
	client.WakeBy(l.bells)
	room := newRoom(calls, l.turnstile)
	client.Free, client.AwaitFree, client.OnDequeued = room.free, func() { room.await(ctx) }, room.enter
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency:       handlersPerCall * calls,
		Queues:            queues,
		StrictPriority:    true,
		TaskCheckInterval: emptyPause,
		// Our dequeue takes due tasks itself, so there is nothing to forward.
		DelayedTaskCheckInterval: time.Hour,
		JanitorInterval:          dropFinished,
		// Calls in flight outlive ctx: the outcome of an interrupted call would be unknown.
		BaseContext:     func() context.Context { return context.WithoutCancel(ctx) },
		ShutdownTimeout: l.app.attemptLimit(),
		RetryDelayFunc:  retryDelay,
		IsFailure:       isFailure,
		Logger:          &asynqLogger{l.asynqLog, l.outage},
	})
	if err := server.Start(room.counted(l.noteArchived(l.tracked(l.traced(l.handle))))); err != nil {
		return fmt.Errorf("start lane %s: %w", l.app.Name, err)
	}
	<-ctx.Done()
	client.GiveBack(ctx) // others need not wait for our handlers
	server.Shutdown()
	client.GiveBack(ctx)
	return nil
}

// pauseQueues pauses the app's queues on all hosts for a while. If Redis fails, messages
// are held one by one instead.
func (l *lane) pauseQueues(ctx context.Context, d time.Duration) {
	for _, priority := range tasks.Priorities() {
		if err := asynqx.PauseFor(ctx, l.cfg.Redis, tasks.Queue(l.app.Name, priority), d); err != nil {
			l.log.WithLevel(l.levelOf(err)).Err(err).Msg("could not pause a queue of the app")
		}
	}
}

// levelOf is the level at which to log that a write to Redis failed.
func (l *lane) levelOf(err error) zerolog.Level {
	_ = l.outage.check(err)
	return l.outage.level(zerolog.WarnLevel)
}
