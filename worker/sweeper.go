package worker

import (
	"context"
	"errors"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// archiveKept is how many dead letters of a queue the dashboard shows. asynq fails
	// to archive any more once 8,000 of them are 90 days old at the same time.
	archiveKept = 1000
	healPeriod  = time.Minute
	// sweepEvery is how many times the broadcasts are checked before the archives are trimmed for their age alone.
	sweepEvery = 10
)

// startSweeper keeps the broadcasts going, and trims the archives of the app's queues, until ctx ends. The
// dead letters themselves are in the ledger. stop ends it and waits for it.
func (l *lane) startSweeper(ctx context.Context) (stop func()) {
	return inBackground(ctx, func(ctx context.Context) {
		for round := 0; ; round++ {
			if err := l.app.Broadcasts.Heal(ctx); err != nil && ctx.Err() == nil {
				l.log.WithLevel(l.levelOf(err)).Err(err).Msg("could not check the broadcasts")
			}
			if l.hasArchived.Swap(false) || round%sweepEvery == 0 {
				l.sweep(ctx)
			}
			select {
			case <-time.After(healPeriod + jitter(healPeriod/4)): // not all workers at once
			case <-ctx.Done():
				return
			}
		}
	})
}

// noteArchived notes that a handler has archived a task.
func (l *lane) noteArchived(handle asynq.HandlerFunc) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		err := handle(ctx, task)
		if errors.Is(err, asynq.SkipRetry) {
			l.hasArchived.Store(true)
		}
		return err
	}
}

// inBackground runs a function until ctx ends. stop ends it and waits for it.
func inBackground(ctx context.Context, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func (l *lane) sweep(ctx context.Context) {
	for _, priority := range tasks.Priorities() {
		// Tasks that were archived manually are not in the ledger, so they stay.
		sweep := asynqx.Sweep{MaxTasks: archiveKept, MaxAge: l.app.RecordTTL, Mark: archivedMark}
		swept, err := asynqx.SweepArchive(ctx, l.cfg.Redis, tasks.Queue(l.app.Name, priority), sweep)
		if err != nil && ctx.Err() == nil {
			l.log.WithLevel(l.levelOf(err)).Err(err).Msg("could not trim the archive")
			l.hasArchived.Store(true) // the next round tries again
			return                    // one report for the three queues is enough
		}
		if swept > 0 {
			l.log.Debug().Int("tasks", swept).Str(fields.Priority, string(priority)).Msg("old tasks removed from the dashboard")
		}
	}
}
