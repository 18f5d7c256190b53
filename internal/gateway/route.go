package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/problem"
)

// Route mounts a handler of others beside the gateway's own: webhooks, the
// dashboard, pages. It asks [IdentityFrom] who made the request.
type Route struct {
	Pattern string // as http.ServeMux takes it, e.g. "POST /v1/webhooks/alertmanager/{app}"
	Handler http.Handler
	// Scope is what a client's token needs; "" makes the route public. An {app} in
	// the pattern must be one that the token may use.
	Scope config.Scope
	// WriteScope is what a request needs that is neither GET, HEAD nor OPTIONS; ""
	// is Scope. With admin here, others look and touch nothing.
	WriteScope config.Scope
	// Session also takes the cookie of [Gateway.OpenSession] for a token, and
	// refuses writes that come from another site's page. Login is where a browser
	// without a session is sent, with ?next= for the way back; empty, it gets the
	// problem.
	Session bool
	Login   string
	// Basic also takes the password of Basic authentication for a token, for clients
	// that can be given no more than a URL: http://x:TOKEN@gateway/…. Writes from
	// other sites' pages are refused as well.
	Basic bool
}

// mount registers a route.
func (g *Gateway) mount(route Route) {
	handler := route.Handler
	if route.Scope != "" {
		handler = g.guarded(route)
	}
	if route.Session || route.Basic {
		handler = http.NewCrossOriginProtection().Handler(handler)
	}
	g.mux.Handle(route.Pattern, handler)
}

// guarded lets only those through who may use a route.
func (g *Gateway) guarded(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := g.authorizeRoute(r, route) //nolint:contextcheck // it derives from the request's
		switch {
		case err == nil:
			r.Body = metered(r)
			route.Handler.ServeHTTP(w, r)
		case route.Login != "" && IdentityFrom(r.Context()) == nil && wantsPage(r): //nolint:contextcheck // likewise
			http.Redirect(w, r, route.Login+"?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			g.fail(w, r, err)
		}
	})
}

func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (g *Gateway) authorizeRoute(r *http.Request, route Route) (*http.Request, error) {
	secret := bearer(r)
	if cookie, err := r.Cookie(sessionCookie); route.Session && secret == "" && err == nil {
		secret = g.sessionSecret(cookie.Value)
	}
	if _, password, ok := r.BasicAuth(); route.Basic && ok {
		secret = password
	}
	identity, err := g.identify(secret)
	if err != nil {
		return r, err
	}
	r = withIdentity(r, identity)
	if err := identity.Allow(route.scopeOf(r.Method)); err != nil {
		return r, err
	}
	if name := r.PathValue("app"); name != "" {
		if _, err := identity.App(name); err != nil {
			return r, err
		}
		requestInfoFrom(r.Context()).app = name
	}
	return r, nil
}

// scopeOf is the scope that a method needs.
func (r Route) scopeOf(method string) config.Scope {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.Scope
	}
	return cmp.Or(r.WriteScope, r.Scope)
}

// allowed are the methods that a path of the API takes.
func (g *Gateway) allowed(r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := g.mux.Handler(probe); pattern != "/v1/" {
			methods = append(methods, method)
		}
	}
	return methods
}

// catchAll answers what no route takes, in the form of its neighbours.
func (g *Gateway) catchAll() {
	g.mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		err := problem.ErrNoRoute
		if allowed := g.allowed(r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			err = problem.ErrMethod
		}
		g.fail(w, r, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err))
	})
	later := func(w http.ResponseWriter, r *http.Request) {
		r, err := g.authorize(r, config.ScopeSend)
		if err == nil {
			err = fmt.Errorf("broadcasts are %w", problem.ErrNotThere)
		}
		g.fail(w, r, err)
	}
	g.mux.HandleFunc("/v1/broadcasts", later)
	g.mux.HandleFunc("/v1/broadcasts/", later)
}
