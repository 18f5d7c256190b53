package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/worker"
)

// deployment is a config brought to life: the one place where adapters meet roles.
type deployment struct {
	cfg        *config.Config
	started    *config.Config // with which the process began
	rdb        redis.UniversalClient
	log        zerolog.Logger
	transports map[wecom.Secret]http.RoundTripper // by proxy, shared by the apps that leave there
	// ratePause replaces the worker's rest after errcode 45009; the demo's is short.
	ratePause time.Duration
	metrics   *metrics // nil in a process that serves none
	traces    *traces  // nil where nothing is traced
	readiness *readiness
	outage    *worker.Outage
}

// connectTimeout bounds the first word with Redis.
const connectTimeout = 5 * time.Second

// open loads the config and makes sure that Redis answers.
func (g *globals) open(ctx context.Context) (*deployment, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	d, err := deploy(cfg, g.logger(cfg.Log.Level, cfg.Log.Format))
	if err != nil {
		return nil, err
	}
	if d.traces, err = g.openTraces(ctx, d.log); err != nil {
		d.close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := d.reach(ctx); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (g *globals) loadConfig() (*config.Config, error) {
	cfg, err := config.Load(g.configPath, g.lookupEnv)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return cfg, nil
}

func deploy(cfg *config.Config, log zerolog.Logger) (*deployment, error) {
	inFlight := 0
	for _, app := range cfg.Apps {
		inFlight += app.Concurrency
	}
	rdb, err := redisconn.Open(string(cfg.Redis.URL), inFlight)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return &deployment{
		cfg: cfg, started: cfg, rdb: rdb, log: log, transports: map[wecom.Secret]http.RoundTripper{},
		readiness: &readiness{rdb: rdb, url: string(cfg.Redis.URL)}, outage: worker.NewOutage(log),
	}, nil
}

func (d *deployment) close() {
	if err := d.traces.close(); err != nil {
		d.log.Warn().Err(err).Msg("traces are incomplete")
	}
	_ = d.rdb.Close()
}

// ready says why nothing can be stored, nil if it can.
func (d *deployment) ready(ctx context.Context) error { return d.readiness.ask(ctx) }

// reach says why Redis does not answer. It is all that a start needs: workers must
// be able to empty a Redis that is full, and results to be read from it.
func (d *deployment) reach(ctx context.Context) error {
	return redisconn.Explain(string(d.cfg.Redis.URL), d.rdb.Ping(ctx).Err())
}

// app finds an app by name, which may be empty when there is one.
func (d *deployment) app(name string) (*config.App, error) {
	app, err := d.cfg.App(name)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return app, nil
}

func (d *deployment) producer(app *config.App) (*producer.Producer, error) {
	return producer.New(d.rdb, producer.Config{
		App: app.Name, Retention: app.Retention, RecordTTL: app.RecordTTL, TracerProvider: d.traces.provider(),
	})
}

func (d *deployment) ledger(app *config.App) *ledger.Ledger {
	return ledger.New(d.rdb, app.Name, app.RecordTTL)
}

func (d *deployment) finder(app *config.App) *lookup.Finder {
	return lookup.New(d.rdb, app.Name, d.ledger(app))
}

// tokens is the access token that all processes share.
func (d *deployment) tokens(app *config.App) wecom.TokenStore {
	store := tokenstore.New(d.rdb, app.Name, app.CorpID, app.Secret)
	if d.metrics == nil {
		return store
	}
	return d.metrics.countTokens(app.Name, store)
}

// wecomClient calls WeCom for an app.
type wecomClient interface {
	worker.Sender
	UploadMedia(ctx context.Context, kind wecom.MediaType, filename string, content []byte) (*wecom.Media, error)
}

// client calls WeCom for an app, and counts the calls in a process that has metrics.
// A nil store keeps the access token to itself.
func (d *deployment) client(app *config.App, store wecom.TokenStore) (wecomClient, error) {
	client, err := wecom.NewClient(wecom.Config{
		CorpID: app.CorpID, Secret: app.Secret, BaseURL: app.APIBaseURL, Timeout: app.Timeout,
		Transport: d.transport(app), TokenStore: store,
	})
	if err != nil {
		return nil, err
	}
	if d.metrics == nil {
		return client, nil
	}
	return d.metrics.instrument(app.Name, client), nil
}

// transport gives the connection pool of all apps that leave by the same proxy.
func (d *deployment) transport(app *config.App) http.RoundTripper {
	transport, ok := d.transports[app.Proxy]
	if !ok {
		idle := 0
		for _, other := range d.cfg.Apps {
			if other.Proxy == app.Proxy {
				idle += other.Concurrency
			}
		}
		transport = wecom.NewTransport(app.ProxyURL(), idle)
		d.transports[app.Proxy] = transport
	}
	return transport
}

// workerApps prepares all apps for a worker.
func (d *deployment) workerApps() ([]worker.App, error) {
	apps := make([]worker.App, 0, len(d.cfg.Apps))
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Apps)) {
		app, err := d.workerApp(d.cfg.Apps[name])
		if err != nil {
			return nil, err
		}
		apps = append(apps, app)
	}
	return apps, nil
}

// workerApp prepares an app for a worker.
func (d *deployment) workerApp(app *config.App) (worker.App, error) {
	client, err := d.client(app, d.tokens(app))
	if err != nil {
		return worker.App{}, fmt.Errorf("app %s: %w", app.Name, err)
	}
	return worker.App{
		Name: app.Name, AgentID: app.AgentID, Sender: client, RecordTTL: app.RecordTTL, Concurrency: app.Concurrency,
		Timeout: app.Timeout, OnUnknown: worker.OnUnknown(app.OnUnknown), RatePause: d.ratePause,
		Limits: app.Limits, Retention: app.Retention,
	}, nil
}
