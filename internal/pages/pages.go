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

// Login is the path of the login page.
const Login = "/login"

// Sessions logs browsers in and out, as [*gateway.Gateway] does.
type Sessions interface {
	OpenSession(w http.ResponseWriter, r *http.Request, secret string) (*gateway.Identity, error)
	CloseSession(w http.ResponseWriter, r *http.Request) error
}

// Config configures [Pages]. Sessions are required.
type Config struct {
	Sessions Sessions
	// Activity is the trail that admins may read; nil for none.
	Activity *activity.Trail
	// Dashboard is the path of asynq's dashboard, "" if there is none, and ShowDashboard reports who gets a link to it.
	Dashboard     string
	ShowDashboard func(*gateway.Identity) bool
	// Prefix is the path that a proxy has removed from all requests, such as /wecomq: links need it. It may be "".
	// Dashboard begins with it.
	Prefix string
	// Logger logs errors whose details are not shown to browsers; the zero value is silent.
	Logger zerolog.Logger
}

// Pages is the web interface. It is safe for concurrent use.
type Pages struct {
	cfg       Config
	templates templates
	apps      atomic.Pointer[watchedApps]
	tokens    atomic.Pointer[Tokens]
	checks    chan struct{} // a slot for each list being checked
}

// New returns pages without apps, until [Pages.Reload].
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

// mine are the apps that a client may use, by name.
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

// handler serves one page; an error is also shown as a page.
type handler func(w http.ResponseWriter, r *http.Request) error

// Routes are the routes for the gateway to mount.
func (p *Pages) Routes() []gateway.Route {
	routes := slices.Concat(p.messageRoutes(), p.broadcastRoutes(), []gateway.Route{
		p.route("GET "+Login, "", p.showLogin),
		p.route("POST "+Login, "", p.login),
		p.route("POST /logout", "", p.logout),
	})
	for i := range routes {
		routes[i].Session, routes[i].Unavailable = true, p.showError
		if routes[i].Scope != "" {
			routes[i].Login = Login
		}
	}
	return append(routes, gateway.Route{Pattern: "GET /assets/{file}", Handler: http.HandlerFunc(serveAsset)})
}

// route is a route for clients with a scope, or a public one if scope is "".
func (p *Pages) route(pattern string, scope config.Scope, h handler) gateway.Route {
	return gateway.Route{Pattern: pattern, Handler: p.page(h), Scope: scope}
}

// action is the route of an act.
func (p *Pages) action(pattern string, scope config.Scope, h handler, act activity.Action) gateway.Route {
	route := p.route(pattern, scope, h)
	route.Act = act
	return route
}

// longRoute is a route whose request or response may be as long as a list.
func (p *Pages) longRoute(pattern string, scope config.Scope, h handler) gateway.Route {
	return gateway.Route{Pattern: pattern, Handler: p.long(h), Scope: scope, Stream: true}
}

func (p *Pages) messageRoutes() []gateway.Route {
	return []gateway.Route{
		p.route("GET /{$}", config.ScopeRead, p.overview),
		p.route("GET /apps/{app}", config.ScopeRead, p.app),
		p.route("GET /messages", config.ScopeRead, p.search),
		p.route("GET /messages/{id}", config.ScopeRead, p.message),
		p.route("GET /dead", config.ScopeRead, p.dead),
		p.action("POST /dead/{app}/replay", config.ScopeAdmin, p.replayDead, activity.ReplayDead),
		p.action("POST /messages/{id}/replay", config.ScopeAdmin, p.replay, activity.ReplayMessage),
		p.action("POST /messages/{id}/recall", config.ScopeAdmin, p.recall, activity.RecallMessage),
		p.action("POST /messages/{id}/cancel", config.ScopeAdmin, p.cancel, activity.CancelMessage),
		p.action("POST /apps/{app}/pause", config.ScopeAdmin, p.pause, activity.PauseApp),
		p.action("POST /apps/{app}/resume", config.ScopeAdmin, p.resume, activity.ResumeApp),
		p.route("GET /activity", config.ScopeAdmin, p.activity),
	}
}

func (p *Pages) broadcastRoutes() []gateway.Route {
	return []gateway.Route{
		p.route("GET /broadcasts", config.ScopeRead, p.broadcasts),
		p.route("GET "+newPath, config.ScopeSend, p.newBroadcast),
		p.longRoute("POST "+newPath, config.ScopeSend, p.checkBroadcast),
		p.action("POST /broadcasts/{id}/test", config.ScopeSend, p.testBroadcast, activity.CreateBroadcast),
		p.action("POST /broadcasts/{id}/start", config.ScopeSend, p.startBroadcast, activity.CreateBroadcast),
		p.route("GET /broadcasts/{id}", config.ScopeRead, p.broadcast),
		p.route("GET /broadcasts/{id}/file", config.ScopeRead, p.broadcastFile),
		p.longRoute("GET /broadcasts/{id}/report", config.ScopeRead, p.report),
		p.action("POST /broadcasts/{id}/pause", config.ScopeSend, p.pauseBroadcast, activity.PauseBroadcast),
		p.action("POST /broadcasts/{id}/resume", config.ScopeSend, p.resumeBroadcast, activity.ResumeBroadcast),
		p.action("POST /broadcasts/{id}/cancel", config.ScopeSend, p.cancelBroadcast, activity.CancelBroadcast),
		p.action("POST /broadcasts/{id}/recall", config.ScopeSend, p.recallBroadcast, activity.RecallBroadcast),
		p.action("POST /broadcasts/{id}/replay", config.ScopeAdmin, p.replayBroadcast, activity.ReplayBroadcast),
		p.action("POST /broadcasts/{id}/approve", config.ScopeApprove, p.approveBroadcast, activity.ApproveBroadcast),
	}
}

// requestTime limits showing a page, and actionTime an action: a recall makes a call to WeCom for each part.
const (
	requestTime = 10 * time.Second
	actionTime  = 30 * time.Second
)

// longTime limits the check of a list and the download of a report.
const longTime = 10 * time.Minute

// policy lets a page load its own style and script, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm is the size limit of a form, in bytes.
const maxForm = 16 << 10
