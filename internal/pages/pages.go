package pages

import (
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
)

// Login is where a browser logs in.
const Login = "/login"

// Sessions logs browsers in and out, as [*gateway.Gateway] does.
type Sessions interface {
	OpenSession(w http.ResponseWriter, r *http.Request, secret string) (*gateway.Identity, error)
	CloseSession(w http.ResponseWriter, r *http.Request) error
}

// Config is what [Pages] need. Sessions are required.
type Config struct {
	Sessions Sessions
	// Activity is the trail that an admin may read; nil for none.
	Activity *activity.Trail
	// Dashboard is the path of asynq's dashboard, "" if there is none, and
	// ShowDashboard says to whom the pages link it.
	Dashboard     string
	ShowDashboard func(*gateway.Identity) bool
	// Prefix is a path that a proxy has removed from those of all requests, such as
	// /wecomq: links need it. It may be "". Dashboard begins with it.
	Prefix string
	// Logger is told what cannot be told a browser; the zero value is silent.
	Logger zerolog.Logger
}

// Pages are the pages. They are safe for concurrent use.
type Pages struct {
	cfg       Config
	templates templates
	apps      atomic.Pointer[watchedApps]
	tokens    atomic.Pointer[Tokens]
	checks    chan struct{} // a slot for each list that may be checked
}

// New makes the pages, without apps until [Pages.Reload].
func New(cfg Config) (*Pages, error) {
	if cfg.Sessions == nil {
		return nil, errors.New("pages: Sessions is nil")
	}
	p := &Pages{cfg: cfg, templates: newTemplates(cfg.Prefix), checks: make(chan struct{}, checksAtOnce)}
	p.Reload(nil, nil, Tokens{})
	return p, nil
}

// Reload replaces apps and tokens.
func (p *Pages) Reload(apps []App, states States, tokens Tokens) {
	p.tokens.Store(&tokens)
	next := &watchedApps{states: states, byName: make(map[string]*watched, len(apps))}
	for _, app := range apps {
		next.byName[app.Name] = &watched{App: app}
	}
	p.apps.Store(next)
}

// mine are the apps that somebody may use, by name.
func (p *Pages) mine(identity *gateway.Identity) []*watched {
	all := p.apps.Load()
	var apps []*watched
	for _, name := range slices.Sorted(slices.Values(identity.Apps())) {
		if app, ok := all.byName[name]; ok {
			apps = append(apps, app)
		}
	}
	return apps
}

// handler serves one page; what it returns is shown as a page, too.
type handler func(w http.ResponseWriter, r *http.Request) error

// Routes are what the gateway mounts.
func (p *Pages) Routes() []gateway.Route {
	page := func(pattern string, h handler) gateway.Route {
		return gateway.Route{Pattern: pattern, Handler: p.page(h), Scope: config.ScopeRead, Session: true, Login: Login}
	}
	action := func(pattern string, h handler, act activity.Action) gateway.Route {
		return gateway.Route{Pattern: pattern, Handler: p.page(h), Scope: config.ScopeAdmin, Session: true, Login: Login, Act: act}
	}
	open := func(pattern string, h handler) gateway.Route {
		return gateway.Route{Pattern: pattern, Handler: p.page(h), Session: true}
	}
	sending := func(pattern string, h handler, act activity.Action) gateway.Route {
		return gateway.Route{Pattern: pattern, Handler: p.page(h), Scope: config.ScopeSend, Session: true, Login: Login, Act: act}
	}
	routes := []gateway.Route{
		page("GET /{$}", p.overview),
		page("GET /apps/{app}", p.app),
		page("GET /messages", p.search),
		page("GET /messages/{id}", p.message),
		page("GET /dead", p.dead),
		action("POST /dead/{app}/replay", p.replayDead, activity.ReplayDead),
		action("POST /messages/{id}/replay", p.replay, activity.ReplayMessage),
		action("POST /messages/{id}/recall", p.recall, activity.RecallMessage),
		action("POST /messages/{id}/cancel", p.cancel, activity.CancelMessage),
		action("POST /apps/{app}/pause", p.pause, activity.PauseApp),
		action("POST /apps/{app}/resume", p.resume, activity.ResumeApp),
		action("GET /activity", p.activity, ""),
		page("GET /broadcasts", p.broadcasts),
		sending("GET "+newPath, p.newBroadcast, ""),
		{Pattern: "POST " + newPath, Handler: p.long(p.checkBroadcast), Scope: config.ScopeSend, Session: true, Login: Login, Stream: true},
		sending("POST /broadcasts/{id}/test", p.testBroadcast, activity.CreateBroadcast),
		sending("POST /broadcasts/{id}/start", p.startBroadcast, activity.CreateBroadcast),
		page("GET /broadcasts/{id}", p.broadcast),
		page("GET /broadcasts/{id}/file", p.broadcastFile),
		{Pattern: "GET /broadcasts/{id}/report", Handler: p.long(p.report), Scope: config.ScopeRead, Session: true, Login: Login, Stream: true},
		sending("POST /broadcasts/{id}/pause", p.pauseBroadcast, activity.PauseBroadcast),
		sending("POST /broadcasts/{id}/resume", p.resumeBroadcast, activity.ResumeBroadcast),
		sending("POST /broadcasts/{id}/cancel", p.cancelBroadcast, activity.CancelBroadcast),
		sending("POST /broadcasts/{id}/recall", p.recallBroadcast, activity.RecallBroadcast),
		action("POST /broadcasts/{id}/replay", p.replayBroadcast, activity.ReplayBroadcast),
		{
			Pattern: "POST /broadcasts/{id}/approve", Handler: p.page(p.approveBroadcast), Scope: config.ScopeApprove, Session: true, Login: Login,
			Act: activity.ApproveBroadcast,
		},
		open("GET "+Login, p.showLogin),
		open("POST "+Login, p.login),
		open("POST /logout", p.logout),
		{Pattern: "GET /assets/{file}", Handler: http.HandlerFunc(serveAsset)},
	}
	for i := range routes {
		if routes[i].Session {
			routes[i].Unavailable = p.showError
		}
	}
	return routes
}

// requestTime bounds what showing a page may take, and actionTime what a button may:
// a recall has a call to WeCom for each part.
const (
	requestTime = 10 * time.Second
	actionTime  = 30 * time.Second
)

// longTime bounds the check of a list and the download of a report.
const longTime = 10 * time.Minute

// policy lets a page load its own style and script, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm is the size limit of a form, in bytes.
const maxForm = 16 << 10
