package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/tasks"
)

// Config is the configuration of a [Worker]. Redis and Apps are required.
type Config struct {
	// Redis is shared by all lanes. The caller closes it after Run has returned: asynq panics if its client
	// is closed while in use.
	Redis redis.UniversalClient
	Apps  []App
	// Logger gets one line per message outcome; the zero value is silent.
	Logger zerolog.Logger
	// TracerProvider gets the spans of each delivery, which continue the trace that
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

// Worker serves the queues of its apps, each in its own lane.
type Worker struct {
	cfg    Config
	outage *outage
	clock  *redisclock.Clock
	bells  *asynqx.Bells // wakes the lanes

	mu       sync.Mutex
	lanes    []*lane       // current
	replaced chan struct{} // signals that lanes has changed
}

// New validates the configuration; it does not connect.
func New(cfg Config) (*Worker, error) {
	if cfg.Redis == nil {
		return nil, errors.New("worker: Config.Redis is nil")
	}
	w := &Worker{cfg: cfg.withDefaults(), outage: newOutage(cfg.Logger), clock: redisclock.New(cfg.Redis), replaced: make(chan struct{}, 1)}
	w.bells = asynqx.NewBells(cfg.Redis, w.outage.note)
	w.bells.OnTakeBack = w.tookBack
	apply, err := w.Prepare(cfg.Apps)
	if err != nil {
		return nil, err
	}
	apply()
	return w, nil
}

func (w *Worker) tookBack(queue string, tasks int) {
	w.cfg.Logger.Warn().Str(fields.Component, "worker").Str(fields.Queue, queue).Int("tasks", tasks).
		Msg("a worker has stopped without finishing its tasks; they are back in their queue")
}

// Prepare validates the apps of a new configuration; apply puts them into effect. A new or changed app gets a
// lane at once, while its old lane, like that of a removed app, finishes the calls in flight. Both share
// limits and token in Redis. An unchanged app, with the same Sender, Ledger and Pacer, keeps its lane.
// Sender, Ledger and Pacer must be comparable, such as pointers.
func (w *Worker) Prepare(apps []App) (apply func(), err error) {
	if len(apps) == 0 {
		return nil, errNoApps
	}
	lanes := make([]*lane, len(apps))
	for i, app := range apps {
		if err := app.Validate(); err != nil {
			return nil, err
		}
		if lanes[i] = w.laneOf(app); lanes[i] == nil {
			lanes[i] = newLane(app, w)
		}
	}
	return func() { w.replace(lanes) }, nil
}

// laneOf is the current lane of an equal app, or nil.
func (w *Worker) laneOf(app App) *lane {
	for _, lane := range w.current() {
		if lane.given.Name == app.Name && lane.given.equal(app) {
			return lane
		}
	}
	return nil
}

func (w *Worker) current() []*lane {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lanes
}

func (w *Worker) replace(lanes []*lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lanes = lanes
	select {
	case w.replaced <- struct{}{}:
	default: // a signal is pending, and Run will see these lanes
	}
}

// Run serves until ctx ends. It then dequeues no more messages, waits for the calls in flight, including
// those of replaced lanes, and returns nil; unsent messages stay in the queue. If a lane cannot start, Run
// stops all of them and returns the error.
func (w *Worker) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	running := map[*lane]context.CancelFunc{}
	w.readClock(ctx)
	group.Go(func() error {
		w.clock.Watch(ctx, w.cfg.Logger.With().Str(fields.Component, "worker").Logger())
		return nil
	})
	group.Go(func() error {
		w.bells.Run(ctx)
		return nil
	})
	group.Go(func() error {
		for {
			switchLanes(ctx, group, running, w.current())
			select {
			case <-ctx.Done():
				return nil
			case <-w.replaced:
			}
		}
	})
	return group.Wait()
}

// readClock reads the clock of Redis before the first message needs it. If Redis does not answer, there are
// no messages either.
func (w *Worker) readClock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = w.clock.Read(ctx)
}

// switchLanes starts the lanes that are not running yet, and stops those that are no longer needed.
func switchLanes(ctx context.Context, group *errgroup.Group, running map[*lane]context.CancelFunc, wanted []*lane) {
	for _, lane := range wanted {
		if running[lane] == nil {
			laneCtx, stop := context.WithCancel(ctx)
			running[lane] = stop
			group.Go(func() error { return lane.run(laneCtx) })
		}
	}
	for lane, stop := range running {
		if !slices.Contains(wanted, lane) {
			stop()
			delete(running, lane)
		}
	}
}
