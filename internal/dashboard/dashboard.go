package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
)

// Root is the path of the dashboard.
const Root = "/dashboard"

// Config configures a [Dashboard]; all fields are required.
type Config struct {
	// Redis is a *redis.Client or a *redis.ClusterClient; the dashboard supports no other.
	Redis redis.UniversalClient
	// Apps names all apps of the config. asynqmon shows all queues of a Redis, so only a
	// token that may use all apps may see it.
	Apps func() []string
	// Prefix is a path that a proxy has removed from those of all requests, such as /wecomq: the links of the pages
	// need it. It may be "".
	Prefix string
	// Logger logs the texts of asynqmon's errors; the zero value is silent.
	Logger zerolog.Logger
}

// Dashboard is asynqmon. It is safe for concurrent use.
type Dashboard struct {
	cfg    Config
	admin  func() http.Handler
	reader func() http.Handler // the same, without buttons
}

// New returns the dashboard. It shares the Redis client and never closes it.
func New(cfg Config) (*Dashboard, error) {
	switch cfg.Redis.(type) {
	case *redis.Client, *redis.ClusterClient:
	default: // asynqmon would panic, or hide its page about Redis
		return nil, fmt.Errorf("dashboard: Redis is a %T, want *redis.Client or *redis.ClusterClient", cfg.Redis)
	}
	if cfg.Apps == nil {
		return nil, errors.New("dashboard: Apps is nil")
	}
	return &Dashboard{
		cfg:    cfg,
		admin:  sync.OnceValue(func() http.Handler { return newMonitor(cfg, false) }),
		reader: sync.OnceValue(func() http.Handler { return newMonitor(cfg, true) }),
	}, nil
}

// shared passes an existing client to asynqmon.
type shared struct{ rdb redis.UniversalClient }

// MakeRedisClient implements asynq.RedisConnOpt.
func (s shared) MakeRedisClient() any { return s.rdb }

func newMonitor(cfg Config, readOnly bool) http.Handler {
	monitor := asynqmon.New(asynqmon.Options{
		RootPath: cfg.Prefix + Root, RedisConnOpt: shared{cfg.Redis}, ReadOnly: readOnly,
		PayloadFormatter: asynqmon.PayloadFormatterFunc(FormatPayload),
		ResultFormatter:  asynqmon.ResultFormatterFunc(FormatResult),
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below := r.WithContext(r.Context())
		at := *r.URL
		at.Path, below.URL = cfg.Prefix+at.Path, &at
		if at.RawPath != "" {
			at.RawPath = cfg.Prefix + at.RawPath
		}
		monitor.ServeHTTP(w, below)
	})
}

// Route is the route for the gateway to mount; login is the path of the login page.
func (d *Dashboard) Route(login string) gateway.Route {
	return gateway.Route{Pattern: Root + "/", Handler: d, Scope: config.ScopeRead, Session: true, Login: login, Act: activity.Dashboard}
}

// Visible reports whether a token may see the dashboard.
func (d *Dashboard) Visible(identity *gateway.Identity) bool {
	if identity == nil || !identity.Has(config.ScopeRead) {
		return false
	}
	mine := identity.Apps()
	return !slices.ContainsFunc(d.cfg.Apps(), func(app string) bool { return !slices.Contains(mine, app) })
}

// policy allows the inline scripts and styles of asynqmon's page, and prevents it from
// loading anything from other hosts.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// maxBody is the size limit of an action's request: the ids of a page of tasks.
const maxBody = 256 << 10

// ServeHTTP serves a request that the gateway has authenticated.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	identity := gateway.IdentityFrom(r.Context())
	if !d.Visible(identity) {
		record(r, errNotAll)
		http.Error(w, "The dashboard shows every queue, so it takes a token that may use all apps of the config. "+
			"The pages at / show the apps of yours.", http.StatusForbidden)
		return
	}
	monitor := d.reader
	if identity.Has(config.ScopeAdmin) {
		monitor = d.admin
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if !strings.HasPrefix(r.URL.Path, Root+"/api/") {
		serveUI(w, r, monitor(), d.cfg.Prefix)
		return
	}
	if text, ok := d.refusal(r, identity); !ok {
		record(r, errors.New(text))
		http.Error(w, text, http.StatusConflict)
		return
	}
	capSize(r)
	defer record(r, identity.Allow(config.ScopeAdmin)) // without the scope, asynqmon is read-only
	answer := &discreet{ResponseWriter: w}
	monitor().ServeHTTP(answer, r)
	if answer.hidden.Len() > 0 {
		d.cfg.Logger.Error().Str("path", r.URL.Path).Str("error", strings.TrimSpace(answer.hidden.String())).Msg("dashboard failed")
	}
	if r.Method != http.MethodGet { // it may have enqueued tasks, or resumed the queue
		asynqx.Wake(r.Context(), d.cfg.Redis, queueOf(r.URL.Path))
	}
}

// errNotAll is returned for an act with a token that may use only some of the apps.
var errNotAll = errors.New("the dashboard takes a token that may use all apps of the config")

// record records a request that changes something.
func record(r *http.Request, err error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		activity.Record(r.Context(), activity.Dashboard, "", r.Method+" "+strings.TrimPrefix(r.URL.Path, Root+"/api"), err)
	}
}

// queueOf is the queue of a path such as /api/queues/ops:bulk/archived_tasks:run_all, or
// /api/queues/ops:bulk:resume.
func queueOf(path string) string {
	queue, _, _ := strings.Cut(strings.TrimPrefix(path, Root+"/api/queues/"), "/")
	return strings.TrimSuffix(queue, ":resume")
}
