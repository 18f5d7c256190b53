package pages

import (
	"errors"
	"net/http"
	"strings"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/problem"
)

// loginForm is the login page.
type loginForm struct {
	Next    string // where to go after the login
	Ended   bool   // a form was sent after the session had ended
	Problem string // a text of the pages
	Detail  string
}

func (p *Pages) showLogin(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	return p.render(w, r, http.StatusOK, "login", view{Data: loginForm{Next: safePath(query.Get("next")), Ended: query.Has("ended")}})
}

func (p *Pages) login(w http.ResponseWriter, r *http.Request) error {
	next := safePath(r.PostFormValue("next"))
	identity, err := p.cfg.Sessions.OpenSession(w, r, strings.TrimSpace(r.PostFormValue("token")))
	if wait, ok := errors.AsType[*problem.WaitError](err); ok {
		w.Header().Set("Retry-After", wait.Header())
		form := loginForm{Next: next, Problem: "Many wrong tokens have come from your address; try again in a minute"}
		return p.render(w, r, http.StatusTooManyRequests, "login", view{Data: form})
	}
	if err != nil {
		form := loginForm{Next: next, Problem: "Invalid token", Detail: err.Error()}
		return p.render(w, r, http.StatusUnauthorized, "login", view{Data: form})
	}
	if !identity.Has(config.ScopeRead) {
		gateway.ForgetSession(w)
		form := loginForm{Next: next, Problem: "This token may not read: it lacks the scope read"}
		return p.render(w, r, http.StatusForbidden, "login", view{Data: form})
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // safePath leaves paths of this host only
	return nil
}

func (p *Pages) logout(w http.ResponseWriter, r *http.Request) error {
	if err := p.cfg.Sessions.CloseSession(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, Login, http.StatusSeeOther)
	return nil
}

// safePath returns a path on this host; anything else becomes "/".
func safePath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
