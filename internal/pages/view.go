package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
)

// view is the common data of all pages.
type view struct {
	Lang      language
	Page      string // its name
	Query     string // of a search
	Notice    string // of a completed action
	Live      bool   // it refreshes itself
	Token     string // the name of the session's token, "" for none
	Person    bool   // logged in by a proxy, and can log out
	Admin     bool
	Send      bool   // may send
	Dashboard string // its path, "" for those who do not see it
	Others    []other
	Data      any
}

// other is the same page in another language.
type other struct {
	Lang, Name, Href string
	Current          bool
}

// page makes an http.Handler of a handler.
func (p *Pages) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		ctx, cancel := bounded(r)
		defer cancel()
		r = r.WithContext(ctx) //nolint:contextcheck // it derives from the request's, see bounded
		if err := h(w, r); err != nil {
			p.showError(w, r, err)
		}
	})
}

// long makes an http.Handler of a handler that reads a list, whose size it limits, or writes a report.
func (p *Pages) long(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w)
		ctx, cancel := context.WithTimeout(r.Context(), longTime)
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(longTime)) // the writers of some tests support no deadlines
		if err := h(w, r.WithContext(ctx)); err != nil {
			p.showError(w, r, err)
		}
	})
}

// protect sets the headers of every response.
func protect(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "same-origin")
}

// bounded is the context of a request. Unlike a view, an action is completed even if the
// browser disconnects.
func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	if r.Method == http.MethodPost {
		return context.WithTimeout(context.WithoutCancel(r.Context()), actionTime)
	}
	return context.WithTimeout(r.Context(), requestTime)
}

// render renders a page, or with ?part=main only the part that changes.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) error {
	v.Page, v.Lang = name, languageOf(w, r)
	v.Others = others(v.Lang, shownAt(r))
	v.Notice = v.Lang.notice(r.URL.Query().Get("done"))
	if identity := gateway.IdentityFrom(r.Context()); identity != nil {
		v.Token, v.Person, v.Admin, v.Send = identity.Name(), identity.Person(), identity.Has(config.ScopeAdmin), identity.Has(config.ScopeSend)
		if p.cfg.ShowDashboard != nil && p.cfg.ShowDashboard(identity) {
			v.Dashboard = p.cfg.Dashboard
		}
	}
	block := "layout.html"
	if r.URL.Query().Get("part") == "main" {
		block = "main"
	}
	shown, err := p.templates[page{v.Lang, name}]()
	if err != nil {
		return fmt.Errorf("parse page %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := shown.ExecuteTemplate(&out, block, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(v.Lang))
	w.WriteHeader(status)
	_, _ = harmless.NewWriter(w).Write(out.Bytes())
	return nil
}

// shownAt is the address for requesting the page again; the response to an action has none.
func shownAt(r *http.Request) *url.URL {
	if r.Method == http.MethodPost && r.URL.Path != Login && r.URL.Path != newPath {
		return &url.URL{Path: "/"}
	}
	return r.URL
}

func others(current language, u *url.URL) []other {
	all := []other{{Lang: string(chinese), Name: "中文"}, {Lang: string(english), Name: "English"}}
	for i := range all {
		query := u.Query()
		query.Set("lang", all[i].Lang)
		query.Del("part")
		query.Del("done")
		all[i].Href = u.Path + "?" + query.Encode()
		all[i].Current = all[i].Lang == string(current)
	}
	return all
}

// refusal is a rejected action, with the reasons.
type refusal struct {
	what    string // a text of the pages
	reasons []string
	back    string // a path
}

// Error implements error.
func (r *refusal) Error() string { return r.what }

// fault is the data of an error's page.
type fault struct {
	What, Hint string
	Reasons    []string
	Back       string
}

func (p *Pages) showError(w http.ResponseWriter, r *http.Request, err error) {
	code, f := http.StatusServiceUnavailable, fault{
		What: "Redis did not answer", Hint: "The messages are safe in Redis. This page works again as soon as Redis does.", Back: "/",
	}
	refused, isRefusal := errors.AsType[*refusal](err)
	switch {
	case isRefusal:
		code, f = http.StatusConflict, fault{What: refused.what, Reasons: refused.reasons, Back: refused.back}
	case errors.Is(err, broadcast.ErrNotFound):
		code, f = http.StatusNotFound, fault{
			What: "Broadcast not found", Hint: "Its record may have expired, or it belongs to an app that you may not use.", Back: "/broadcasts",
		}
	case isNotFound(err):
		code, f = http.StatusNotFound, fault{
			What: "Message not found", Hint: "Its record may have expired, or it belongs to an app that you may not use.", Back: "/messages",
		}
	case errors.Is(err, context.Canceled): // the browser has disconnected
	default:
		p.cfg.Logger.Error().Err(err).Str("path", r.URL.Path).Msg("page failed")
	}
	if err := p.render(w, r, code, "error", view{Data: f}); err != nil {
		p.cfg.Logger.Error().Err(err).Msg("error page failed")
		http.Error(w, http.StatusText(code), code)
	}
}

func isNotFound(err error) bool {
	return errors.Is(err, lookup.ErrNotFound) || errors.Is(err, ledger.ErrNotFound) || errors.Is(err, gateway.ErrNotFound)
}
