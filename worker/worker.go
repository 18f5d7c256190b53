package worker

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/tasks"
)

// Config is what a [Worker] needs. Redis and Apps are required.
type Config struct {
	Redis redis.UniversalClient // shared by all lanes; the caller closes it
	Apps  []App
	// Logger gets one line per message outcome; the zero value is silent.
	Logger zerolog.Logger
	// OnSettled, when set, is called with the record of each message whose state
	// has become final, by the goroutine that sent it.
	OnSettled func(tasks.Record)
}

// Worker serves the queues of its apps.
type Worker struct{ lanes []*lane }

// New checks the configuration; it does not connect.
func New(cfg Config) (*Worker, error) {
	if cfg.Redis == nil {
		return nil, errors.New("worker: Config.Redis is nil")
	}
	if len(cfg.Apps) == 0 {
		return nil, errNoApps
	}
	if cfg.OnSettled == nil {
		cfg.OnSettled = func(tasks.Record) {}
	}
	w := &Worker{}
	for _, app := range cfg.Apps {
		if err := app.Validate(); err != nil {
			return nil, err
		}
		w.lanes = append(w.lanes, &lane{
			app: app.withDefaults(cfg.Redis), rdb: cfg.Redis, onSettled: cfg.OnSettled,
			log:      cfg.Logger.With().Str("component", "worker").Str("app", app.Name).Logger(),
			asynqLog: cfg.Logger.With().Str("component", "asynq").Str("app", app.Name).Logger(),
		})
	}
	return w, nil
}

// Run serves until ctx ends. It then takes no new message, waits for the calls
// in flight and returns nil; what was not sent stays in the queue. A lane that
// cannot start ends all of them.
func (w *Worker) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, lane := range w.lanes {
		group.Go(func() error { return lane.run(ctx) })
	}
	return group.Wait()
}
