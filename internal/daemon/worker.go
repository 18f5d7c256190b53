package daemon

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/worker"
)

// workerServer is the worker of this process.
type workerServer struct {
	*worker.Worker

	names []string // apps that it serves, empty for all
	apps  map[string]servedApp
}

// servedApp is an app of the config and of the worker.
type servedApp struct {
	config config.App
	app    worker.App
}

func newWorkerServer(d *Deployment, names []string) (*workerServer, error) {
	s := &workerServer{names: names}
	served, err := s.appsOf(d)
	if err != nil {
		return nil, err
	}
	s.apps = served
	s.Worker, err = worker.New(worker.Config{
		Redis: d.rdb, Apps: inOrder(served), Logger: d.log, TracerProvider: d.traces.provider(),
		OnSettled: d.metrics.Settled, OnDequeued: d.metrics.Dequeued, OnHeld: d.metrics.Held,
	})
	return s, err
}

// prepare implements [reloadable]. Unchanged apps keep their lanes.
func (s *workerServer) prepare(next *Deployment) (apply func(), err error) {
	served, err := s.appsOf(next)
	if err != nil {
		return nil, err
	}
	replace, err := s.Prepare(inOrder(served))
	if err != nil {
		return nil, err
	}
	return func() {
		s.apps = served
		replace()
	}, nil
}

// appsOf returns the apps of a config. It reuses unchanged ones.
func (s *workerServer) appsOf(d *Deployment) (map[string]servedApp, error) {
	names := s.names
	if len(names) == 0 {
		names = d.Config.AppNames()
	}
	served := make(map[string]servedApp, len(names))
	for _, name := range names {
		app, err := d.Config.App(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if old, ok := s.apps[app.Name]; ok && reflect.DeepEqual(old.config, *app) {
			served[app.Name] = old
			continue
		}
		made, err := d.workerApp(app)
		if err != nil {
			return nil, err
		}
		served[app.Name] = servedApp{*app, made}
		d.metrics.InitSeries(app.Name)
	}
	return served, nil
}

func inOrder(served map[string]servedApp) []worker.App {
	apps := make([]worker.App, 0, len(served))
	for _, name := range slices.Sorted(maps.Keys(served)) {
		apps = append(apps, served[name].app)
	}
	return apps
}

// workerApp prepares an app for a worker.
func (d *Deployment) workerApp(app *config.App) (worker.App, error) {
	client, err := d.client(app)
	if err != nil {
		return worker.App{}, fmt.Errorf("app %s: %w", app.Name, err)
	}
	return worker.App{
		Name: app.Name, AgentID: app.AgentID, Sender: client, RecordTTL: app.RecordTTL, Concurrency: app.Concurrency,
		Timeout: app.Timeout, OnUnknown: worker.OnUnknown(app.OnUnknown), UnknownResends: app.UnknownResends, RatePause: d.options.RatePause,
		Limits: app.Limits, Retention: app.Retention, Media: d.media(app, client),
	}, nil
}
