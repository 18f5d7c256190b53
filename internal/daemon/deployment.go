package daemon

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/metrics"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom"
)

// Options are the settings of a process that are not in its config. All are optional.
type Options struct {
	Logger  zerolog.Logger
	Version string // of wecomq
	// LookupEnv looks up OpenTelemetry's variables, which say where to export traces;
	// nil for no traces.
	LookupEnv func(string) (string, bool)
	// RatePause is the worker's first pause after errcode 45009; 0 for its default.
	RatePause time.Duration
}

// Deployment is what a config describes, ready for use by a short command or a [Daemon].
type Deployment struct {
	Config *config.Config

	options    Options
	started    *config.Config // the config at the start of the process
	rdb        redis.UniversalClient
	log        zerolog.Logger
	transports map[wecom.Secret]http.RoundTripper // by proxy, shared by its apps
	metrics    *metrics.Metrics                   // nil in a process that serves none
	traces     *traces
	readiness  *readiness
}

// connectTimeout is the time limit of the first PING of Redis.
const connectTimeout = 5 * time.Second

// Open makes a deployment. It does not connect: [Deployment.Ping] does.
func Open(ctx context.Context, cfg *config.Config, o Options) (*Deployment, error) {
	inFlight := 0
	for _, app := range cfg.Apps {
		inFlight += app.Concurrency
	}
	inFlight += len(receivers(cfg, nil)) // each waits for outcomes
	rdb, err := redisconn.Open(string(cfg.Redis.URL), inFlight)
	if err != nil {
		return nil, &config.Error{Err: err}
	}
	if cfg.Redis.AwaitReplica {
		durability.Require(rdb)
	}
	exported, err := openTraces(ctx, o)
	if err != nil {
		_ = rdb.Close()
		return nil, err
	}
	return &Deployment{
		Config: cfg, started: cfg, options: o, rdb: rdb, log: o.Logger, transports: map[wecom.Secret]http.RoundTripper{},
		traces: exported, readiness: &readiness{rdb: rdb, url: string(cfg.Redis.URL), apps: cfg.AppNames()},
	}, nil
}

// Close exports the remaining traces and closes the connections to Redis.
func (d *Deployment) Close() {
	if err := d.traces.close(); err != nil {
		d.log.Warn().Err(err).Msg("traces are incomplete")
	}
	_ = d.rdb.Close()
}

// Ready returns why Redis cannot store anything, nil if it can.
func (d *Deployment) Ready(ctx context.Context) error { return d.readiness.ask(ctx) }

// Ping returns why Redis does not answer, nil if it does. A start requires no more:
// workers must be able to empty a full Redis, and results must stay readable.
func (d *Deployment) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return redisconn.Explain(string(d.Config.Redis.URL), d.rdb.Ping(ctx).Err())
}

// measured returns the deployment with metrics: those of the process and those kept in
// Redis.
func (d *Deployment) measured() *Deployment {
	measured := *d
	measured.metrics = metrics.New(metrics.Config{Version: d.options.Version, Logger: d.log})
	measured.metrics.WatchRedis(d.rdb, d.Inspector())
	measured.metrics.WatchTokens(d.limits())
	return &measured
}

// Apps returns all apps, sorted by name.
func (d *Deployment) Apps() []*config.App {
	all := make([]*config.App, 0, len(d.Config.Apps))
	for _, name := range d.Config.AppNames() {
		all = append(all, d.Config.Apps[name])
	}
	return all
}

// AppsNamed returns the named apps, or all.
func (d *Deployment) AppsNamed(names ...string) ([]*config.App, error) {
	if len(names) == 0 {
		return d.Apps(), nil
	}
	apps := make([]*config.App, len(names))
	var problems []error
	for i, name := range names {
		app, err := d.Config.App(name)
		apps[i], problems = app, append(problems, err)
	}
	return apps, errors.Join(problems...)
}

// Producer enqueues the messages of an app.
func (d *Deployment) Producer(app *config.App) (*producer.Producer, error) {
	return producer.New(d.rdb, producer.Config{
		App: app.Name, Retention: app.Retention, RecordTTL: app.RecordTTL, TracerProvider: d.traces.provider(),
	})
}

// Ledger holds the records of an app.
func (d *Deployment) Ledger(app *config.App) *ledger.Ledger {
	return ledger.New(d.rdb, app.Name, app.RecordTTL)
}

// Media keeps the files of an app's messages.
func (d *Deployment) Media(app *config.App) *media.Store { return d.media(app, nil) }

// media also uploads them.
func (d *Deployment) media(app *config.App, uploader media.Uploader) *media.Store {
	cfg := media.Config{App: app.Name, Uploader: uploader, TTL: app.RecordTTL, MaxBytes: app.MediaStorage}
	if d.metrics != nil {
		cfg.OnUpload = d.metrics.MediaUploaded
	}
	return media.New(d.rdb, cfg)
}

// Activity is the trail of what people and programs do.
func (d *Deployment) Activity() *activity.Trail {
	return activity.New(d.rdb, d.log.With().Str(fields.Component, "activity").Logger())
}

// Finder finds the messages of an app, including those not sent yet.
func (d *Deployment) Finder(app *config.App) *lookup.Finder {
	return lookup.New(d.rdb, app.Name, d.Ledger(app))
}

// Inspector inspects, pauses and resumes all apps.
func (d *Deployment) Inspector() *apps.Inspector {
	all := apps.New(d.rdb)
	for _, app := range d.Config.Apps {
		all.Add(apps.App{Name: app.Name, Limits: app.Limits, Tokens: d.tokenStore(app), RecordTTL: app.RecordTTL})
	}
	return all
}
