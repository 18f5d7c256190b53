// Package daemontest gives every test its own wecomq, in its own process: a Redis, a simulated WeCom, and the
// daemon between them. Tests replace the parts they are about; the rest runs as in production.
package daemontest

import (
	"context"
	"crypto/sha256"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// Config is what a test changes. Its zero value is one app, "ops".
type Config struct {
	RedisURL string // empty for a Redis of the test's own
	Rules    wecomtest.Rules
	Apps     []string // names, all with the credentials of the simulator's app
	Tokens   []config.Token
	// Change, if set, modifies the final config.
	Change func(*config.Config)
}

// Deployment is a [daemon.Deployment] and what is around it.
type Deployment struct {
	*daemon.Deployment

	Redis redis.UniversalClient // the test's own connection
	Asynq *asynq.Inspector      // the tasks in it
	WeCom *wecomtest.Simulator
	Log   *logtest.Transcript

	tb testing.TB
}

// New opens a deployment that ends with its test. It fails the test on an error.
func New(tb testing.TB, c Config) *Deployment {
	tb.Helper()
	d := &Deployment{Log: &logtest.Transcript{}, tb: tb}
	d.WeCom = must(wecomtest.New(c.Rules))(tb)
	simulator := httptest.NewServer(d.WeCom)
	tb.Cleanup(simulator.Close)
	if c.RedisURL == "" {
		c.RedisURL = redistest.NewURL(tb)
	}
	d.Redis = must(redisconn.Open(c.RedisURL, 1))(tb)
	tb.Cleanup(func() { _ = d.Redis.Close() })
	d.Asynq = asynq.NewInspectorFromRedisClient(d.Redis)
	d.Deployment = must(daemon.Open(tb.Context(), c.config(simulator.URL), daemon.Options{
		Logger: zerolog.New(d.Log), Version: "test",
	}))(tb)
	tb.Cleanup(d.Close)
	return d
}

// config is that of the deployment.
func (c Config) config(wecomURL string) *config.Config {
	cfg := &config.Config{
		Redis: config.Redis{URL: wecom.Secret(c.RedisURL)}, Apps: map[string]*config.App{},
		Gateway: config.Gateway{Webhooks: webhook.DefaultConfig(), Tokens: c.Tokens},
	}
	if len(c.Apps) == 0 {
		c.Apps = []string{"ops"}
	}
	for _, name := range c.Apps {
		cfg.Apps[name] = &config.App{
			Name: name, CorpID: wecomtest.CorpID, AgentID: strconv.Itoa(wecomtest.AgentID), Secret: wecomtest.Secret,
			APIBaseURL: wecomURL, Timeout: wecom.DefaultTimeout, Concurrency: 4, OnUnknown: "resend",
			Retention: tasks.DefaultRetention(), RecordTTL: time.Hour, Limits: tasks.DefaultLimits(),
		}
	}
	if c.Change != nil {
		c.Change(cfg)
	}
	return cfg
}

// Token is one of the gateway, named like its secret.
func Token(secret string, apps []string, scopes ...config.Scope) config.Token {
	return config.Token{Name: secret, SHA256: sha256.Sum256([]byte(secret)), Apps: apps, Scopes: scopes}
}

// Start runs a daemon until the end of the test, or until stop is called. A gateway listens at its own port;
// url is empty if nothing listens.
func (d *Deployment) Start(cfg daemon.Config) (url string, stop func()) {
	d.tb.Helper()
	if cfg.Gateway && cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	running := must(daemon.New(d.tb.Context(), d.Deployment, cfg))(d.tb)
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.tb.Context()))
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			d.tb.Errorf("the daemon ended with: %v", err)
		}
	})
	d.tb.Cleanup(stop)
	if addr := running.Addr(); addr != nil {
		url = "http://" + addr.String()
		if cfg.Gateway && d.Config.Gateway.TLS != nil {
			url = "https://" + addr.String()
		}
	}
	return url, stop
}

// App is an app of the config.
func (d *Deployment) App(name string) *config.App {
	d.tb.Helper()
	return must(d.Config.App(name))(d.tb)
}

// LedgerOf has the records of an app.
func (d *Deployment) LedgerOf(app string) *ledger.Ledger { return d.Ledger(d.App(app)) }

// FinderOf finds the messages of an app.
func (d *Deployment) FinderOf(app string) *lookup.Finder { return d.Finder(d.App(app)) }

// Sender calls WeCom as an app, as a worker does that keeps the access token in rdb.
func (d *Deployment) Sender(app *config.App, rdb redis.UniversalClient) *wecom.Client {
	d.tb.Helper()
	return must(wecom.NewClient(wecom.Config{
		CorpID: app.CorpID, Secret: app.Secret, BaseURL: app.APIBaseURL, Timeout: app.Timeout,
		TokenStore: tokenstore.New(rdb, app.Name, app.CorpID, app.Secret),
	}))(d.tb)
}

// Client calls WeCom as an app, past the queue.
func (d *Deployment) Client(app string) *message.Client {
	d.tb.Helper()
	own := d.App(app)
	return message.NewClient(d.Sender(own, d.Redis), own.AgentID)
}

// Send enqueues a message.
func (d *Deployment) Send(app string, request message.Request, options producer.Options) producer.Receipt {
	d.tb.Helper()
	p := must(d.Producer(d.App(app)))(d.tb)
	return must(p.Send(d.tb.Context(), request, options))(d.tb)
}

// Text is a message of text.
func Text(to, content string) message.SendTextRequest {
	return message.SendTextRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Text: message.TextField{Content: content}}
}

// must returns the value, or fails the test.
func must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
}
