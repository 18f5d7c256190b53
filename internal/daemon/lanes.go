package daemon

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/worker"
)

// lanes are the workers of a process, one for each app, and their successors: a
// reload that changes an app starts another worker for it at once, while the old one
// finishes its calls in flight. The two share limits and token in Redis. Other apps
// notice nothing.
type lanes struct {
	names []string // of the apps, empty for all

	set  map[string]*lane      // in force, or about to be
	next chan map[string]*lane // the newest
}

// lane is the worker of one app.
type lane struct {
	app    config.App
	worker *worker.Worker
}

func newLanes(d *Deployment, names []string) (*lanes, error) {
	l := &lanes{names: names, next: make(chan map[string]*lane, 1)}
	apply, err := l.prepare(d)
	if err != nil {
		return nil, err
	}
	apply()
	return l, nil
}

// prepare makes the workers of the apps that are new or differ. They do not connect.
func (l *lanes) prepare(next *Deployment) (apply func(), err error) {
	names := l.names
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(next.Config.Apps))
	}
	set := make(map[string]*lane, len(names))
	for _, name := range names {
		app, err := next.Config.App(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if old := l.set[app.Name]; old != nil && reflect.DeepEqual(old.app, *app) {
			set[app.Name] = old
			continue
		}
		w, err := newLaneWorker(next, app)
		if err != nil {
			return nil, err
		}
		set[app.Name] = &lane{*app, w}
	}
	return func() {
		l.set = set
		select {
		case <-l.next: // of a reload that this one overtakes
		default:
		}
		l.next <- set
	}, nil
}

func newLaneWorker(d *Deployment, app *config.App) (*worker.Worker, error) {
	served, err := d.workerApp(app)
	if err != nil {
		return nil, err
	}
	d.metrics.InitSeries(app.Name)
	return worker.New(worker.Config{
		Redis: d.rdb, Apps: []worker.App{served}, Logger: d.log, Outage: d.outage, TracerProvider: d.traces.provider(),
		OnSettled: d.metrics.Settled, OnDequeued: d.metrics.Dequeued, OnHeld: d.metrics.Held,
	})
}

// run serves until ctx ends, and returns when all workers have ended, the replaced
// ones, too.
func (l *lanes) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		running := map[*lane]context.CancelFunc{}
		for {
			select {
			case <-ctx.Done():
				return nil
			case set := <-l.next:
				replace(ctx, group, running, set)
			}
		}
	})
	return group.Wait()
}

// replace starts what is new and stops what is not in the set any more.
func replace(ctx context.Context, group *errgroup.Group, running map[*lane]context.CancelFunc, set map[string]*lane) {
	wanted := map[*lane]bool{}
	for _, lane := range set {
		wanted[lane] = true
		if running[lane] == nil {
			laneCtx, stop := context.WithCancel(ctx)
			running[lane] = stop
			group.Go(func() error { return lane.worker.Run(laneCtx) })
		}
	}
	for lane, stop := range running {
		if !wanted[lane] {
			stop()
			delete(running, lane)
		}
	}
}
