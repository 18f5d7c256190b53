package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
)

// Route mounts a handler of another package: webhooks, the dashboard, pages. The handler calls [IdentityFrom] to
// get the client of the request.
type Route struct {
	Pattern string // of http.ServeMux, e.g. "POST /v1/webhooks/alertmanager/{app}"
	Handler http.Handler
	// Scope is the scope that the token needs; "" makes the route public. If the pattern has an {app}, the token
	// must be allowed to use that app.
	Scope config.Scope
	// WriteScope is the scope for methods other than GET, HEAD and OPTIONS; "" means Scope. Set it to admin to make
	// the route read-only for others.
	WriteScope config.Scope
	// Session also accepts the cookie of [Gateway.OpenSession], and rejects writes from pages of other sites. A
	// browser without a session is redirected to Login, with ?next= for the way back, or with ?ended=1 after a form;
	// if Login is empty, it gets the problem.
	Session bool
	Login   string
	// Unavailable answers a browser whose session cannot be checked; nil for the problem.
	Unavailable func(w http.ResponseWriter, r *http.Request, err error)
	// Act is the act of a request that changes something, which is recorded if the client may not do it; "" for none.
	Act activity.Action
	// Basic also accepts the token as the password of Basic authentication, for clients that can only be configured
	// with a URL: http://x:TOKEN@gateway/…. It rejects writes from pages of other sites as well.
	Basic bool
	// Stream allows the body the pace of a form with a list. The body does not count as one in memory, and the
	// handler limits its size.
	Stream bool
}

// mount registers a route.
func (g *Gateway) mount(route Route) {
	handler := limitPublicBody(route.Handler)
	if route.Scope != "" {
		handler = g.guarded(route)
	}
	if route.Session || route.Basic {
		handler = http.NewCrossOriginProtection().Handler(handler)
	}
	g.mux.Handle(route.Pattern, handler)
}

// guarded checks that the client may use a route.
func (g *Gateway) guarded(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := g.authorizeRoute(r, route) //nolint:contextcheck // it is derived from the request's
		switch {
		case err == nil && route.Stream:
			body := intake.NewStream(w, r, intake.Form, g.stopping)
			defer body.End()
			r.Body = body
			route.Handler.ServeHTTP(w, r)
		case err == nil:
			r.Body = intake.Kept(w, r, intake.Whole)
			route.Handler.ServeHTTP(w, r)
		default:
			g.turnAway(w, r, route, err)
		}
	})
}

// turnAway answers clients that may not use a route, or whose session cannot be checked.
func (g *Gateway) turnAway(w http.ResponseWriter, r *http.Request, route Route, err error) {
	gone := errors.Is(err, ErrUnavailable)
	switch {
	case gone && route.Unavailable != nil && wantsPage(r):
		route.Unavailable(w, r, err)
	case !gone && route.Login != "" && IdentityFrom(r.Context()) == nil && wantsPage(r):
		askToLogin(w, r, route.Login)
	default:
		route.forbidden(r, err)
		p := g.report(r.Context(), err)
		if route.Basic && p.Status == http.StatusTooManyRequests {
			p.AskForRepeat()
		}
		p.Write(w)
	}
}

// limitPublicBody bounds the bodies of a public route.
func limitPublicBody(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, intake.Kept(w, r, intake.Stranger), intake.MaxStrangerBytes)
		handler.ServeHTTP(w, r)
	})
}

func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodPost) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// maxUnasked is how many bytes are read, and dropped, of a form whose session has ended: a browser reads no
// response before it has sent everything.
const maxUnasked = 64 << 20

// askToLogin redirects a browser to the login. The request of a form is not repeated after it.
func askToLogin(w http.ResponseWriter, r *http.Request, login string) {
	query := "?ended=1"
	if r.Method == http.MethodGet {
		query = "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	_, _ = io.CopyN(io.Discard, intake.Uncharged(w, r, intake.Stranger), maxUnasked)
	http.Redirect(w, r, login+query, http.StatusSeeOther)
}

func (g *Gateway) authorizeRoute(r *http.Request, route Route) (*http.Request, error) {
	identity, err := g.clientOf(r, route)
	if err != nil {
		return r, err
	}
	r = g.withIdentity(r, identity)
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

// clientOf identifies the client of a route.
func (g *Gateway) clientOf(r *http.Request, route Route) (*Identity, error) {
	secret, door := bearer(r), DoorBearer
	if route.Session && secret == "" {
		if person := g.settings.Load().person(r); person != nil {
			return person, nil
		}
		if cookie, err := r.Cookie(sessionCookie); err == nil {
			shown, err := g.sessionSecret(r.Context(), cookie.Value)
			if err != nil {
				return nil, err
			}
			return g.identify(shown) // the secret was admitted at the login
		}
	}
	if route.Basic {
		door = DoorWebhook
	}
	if _, password, ok := r.BasicAuth(); route.Basic && ok {
		secret = password
	}
	return g.admit(r, door, secret)
}

// scopeOf is the scope that a method requires.
func (r Route) scopeOf(method string) config.Scope {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.Scope
	}
	return cmp.Or(r.WriteScope, r.Scope)
}

// allowed lists the methods that a path of the API accepts.
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

// catchAll answers requests under /v1/ that match no route.
func (g *Gateway) catchAll() {
	g.mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		err := problem.ErrNoRoute
		if allowed := g.allowed(r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			err = problem.ErrMethod
		}
		g.fail(w, r, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err))
	})
}
