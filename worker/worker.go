package worker

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/tasks"
)

// Config is what a [Worker] needs. Redis and Apps are required.
type Config struct {
	// Redis is shared by all lanes. The caller closes it, once Run has returned: asynq
	// panics when it is closed under its hands.
	Redis redis.UniversalClient
	Apps  []App
	// Logger gets one line per message outcome; the zero value is silent.
	Logger zerolog.Logger
	// Outage is shared by the workers of a process, so that the log tells once of
	// Redis's trouble; nil for a worker that is alone.
	Outage *Outage
	// TracerProvider gets the spans of each delivery, which go on with the trace that
	// the producer began; nil for none.
	TracerProvider trace.TracerProvider
	// OnSettled, when set, is called with the record of each message whose state
	// has become final, by the goroutine that sent it.
	OnSettled func(tasks.Record)
	// OnDequeued, when set, is called each time a message is taken from its queue,
	// with the time since it was enqueued or was due.
	OnDequeued func(app string, p tasks.Priority, waited time.Duration)
	// OnHeld, when set, is called when a message has to wait for one of WeCom's
	// limits: "rate", "member", "quota", "penalty", "suspended" or "paused".
	OnHeld func(app, reason string, wait time.Duration)
}

func (c Config) withDefaults() Config {
	if c.Outage == nil {
		c.Outage = NewOutage(c.Logger)
	}
	if c.OnSettled == nil {
		c.OnSettled = func(tasks.Record) {}
	}
	if c.OnDequeued == nil {
		c.OnDequeued = func(string, tasks.Priority, time.Duration) {}
	}
	if c.OnHeld == nil {
		c.OnHeld = func(string, string, time.Duration) {}
	}
	return c
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
	cfg = cfg.withDefaults()
	w := &Worker{}
	for _, app := range cfg.Apps {
		if err := app.Validate(); err != nil {
			return nil, err
		}
		w.lanes = append(w.lanes, newLane(app.withDefaults(cfg.Redis), cfg))
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
