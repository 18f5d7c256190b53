package gateway

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	oteltrace "go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/guessing"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/tracing"
)

// Config configures a [Gateway]. Services.Queue and Services.Records are required.
type Config struct {
	Services Services
	Settings Settings
	// Routes are the handlers of other packages.
	Routes []Route
	// Stopping is closed when the process is asked to stop: streams then end cleanly
	// and /readyz fails. nil means never.
	Stopping <-chan struct{}
	// Activity records the clients' acts; nil for none.
	Activity *activity.Trail
	// Logger is the access log, one line per request; the zero value is silent.
	Logger zerolog.Logger
	// TracerProvider gets a span per request, which continues the trace of the request's traceparent; nil for none.
	TracerProvider oteltrace.TracerProvider
	Version        string // of wecomq, for the docs
	// PublicURL is the address of the gateway for browsers: it determines redirects, cookies and HSTS.
	PublicURL config.PublicURL
	// Now is the clock of access tokens; nil for time.Now.
	Now func() time.Time
}

// Gateway is the HTTP handler of the whole process. It is safe for concurrent use.
type Gateway struct {
	mux       *http.ServeMux
	services  Services
	settings  atomic.Pointer[Settings]
	stopping  <-chan struct{}
	uploads   *intake.Pool  // a slot for each file that may be in memory
	streams   *intake.Pool  // a slot for each stream that may be read at once
	creations chan struct{} // a slot for each broadcast that may be created at once
	bodies    *intake.Budget
	activity  *activity.Trail
	// unanswered keeps the requests of message/send and of pushes that got no answer.
	unanswered *unanswered
	// failedLogins limits how many failed logins are recorded in the trail.
	failedLogins *rate.Limiter
	refusals     refusals
	guesses      *guessing.Watch
	public       publicAddress
	log          zerolog.Logger
	tracer       tracing.Tracer
	now          func() time.Time
}

// New returns the handler. It panics if a route conflicts with another, as
// [http.ServeMux] does.
func New(cfg Config) (*Gateway, error) {
	if cfg.Services.Queue == nil || cfg.Services.Records == nil {
		return nil, errors.New("gateway: Services.Queue or Services.Records is nil")
	}
	g := &Gateway{
		mux: http.NewServeMux(), services: cfg.Services, stopping: cfg.Stopping,
		uploads: intake.NewPool(maxUploads), streams: intake.NewPool(maxStreams), creations: make(chan struct{}, maxCreations),
		log: cfg.Logger.With().Str(fields.Component, "gateway").Logger(), now: cfg.Now, public: publicAddressOf(cfg.PublicURL),
		tracer: tracing.New(cfg.TracerProvider), bodies: intake.NewBudget(intake.MaxBytes), activity: cfg.Activity,
		failedLogins: newRefusalLimiter(), guesses: guessing.NewWatch(),
	}
	if g.now == nil {
		g.now = time.Now
	}
	g.unanswered = &unanswered{now: g.now, attempts: make(map[[sha256.Size]byte][]*attempt)}
	g.Reload(cfg.Settings)
	api := newAPI(g.mux, cfg.Version, cfg.PublicURL)
	g.registerMessages(api)
	g.registerList(api)
	g.registerCards(api)
	g.registerBatch(api)
	g.registerMedia(api)
	g.registerApps(api)
	g.registerBroadcasts(api)
	documentWebhooks(api.OpenAPI(), cfg.Routes)
	documentPush(api.OpenAPI())
	g.serveOpenAPI(api.OpenAPI())
	g.serveHealth()
	g.serveWeCom()
	g.servePush()
	g.catchAll()
	for _, route := range cfg.Routes {
		g.mount(route)
	}
	return g, nil
}

// Reload replaces apps and tokens for new requests; those in flight finish with the old ones.
func (g *Gateway) Reload(settings Settings) { g.settings.Store(&settings) }
