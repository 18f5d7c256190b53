package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
)

// withRoutes mounts a webhook, a page and its login, like other packages.
func withRoutes(t *testing.T) *bundle {
	t.Helper()
	var b *bundle
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity := gateway.IdentityFrom(r.Context())
		_, _ = fmt.Fprint(w, identity.Name(), " admin=", identity.Has(config.ScopeAdmin))
	})
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := b.OpenSession(w, r, r.FormValue("token")); err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		http.Redirect(w, r, "/page/", http.StatusSeeOther)
	})
	ask := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, strings.TrimSpace("who are you? "+r.URL.Query().Encode()))
	})
	logout := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = b.CloseSession(w, r) })
	b = newBundle(t, func(cfg *gateway.Config) {
		cfg.Routes = []gateway.Route{
			{Pattern: "POST /v1/webhooks/alertmanager/{app}", Handler: who, Scope: config.ScopeSend, Basic: true},
			{Pattern: "/v1/webhooks/{source}/{app}", Handler: who, Scope: config.ScopeSend, Basic: true},
			{Pattern: "/page/", Handler: who, Scope: config.ScopeRead, Session: true, Login: "/login"},
			{Pattern: "/board/", Handler: who, Scope: config.ScopeRead, WriteScope: config.ScopeAdmin, Session: true},
			{Pattern: "POST /login", Handler: login, Session: true},
			{Pattern: "POST /logout", Handler: logout, Session: true},
			{Pattern: "GET /login", Handler: ask},
		}
	})
	return b
}

func TestRoutesOfOthersAskForTheSameTokens(t *testing.T) {
	t.Parallel()
	b := withRoutes(t)
	tests := map[string]struct {
		method, path, token string
		status              int
		says                string
	}{
		"a webhook":                      {method: "POST", path: "/v1/webhooks/alertmanager/ops", token: senderToken, status: 200, says: "sender admin=false"},
		"a webhook without a token":      {method: "POST", path: "/v1/webhooks/alertmanager/ops", status: 401, says: "Bearer"},
		"a webhook without its scope":    {method: "POST", path: "/v1/webhooks/alertmanager/ops", token: readerToken, status: 403, says: "lacks the scope"},
		"a webhook of another app":       {method: "POST", path: "/v1/webhooks/alertmanager/hr", token: senderToken, status: 403, says: "may not use the app"},
		"a page with a token":            {method: "GET", path: "/page/x", token: rootToken, status: 200, says: "root admin=true"},
		"a page without":                 {method: "GET", path: "/page/x", status: 401, says: "Bearer"},
		"a board to look at":             {method: "GET", path: "/board/", token: readerToken, status: 200, says: "reader"},
		"a board that is not to touch":   {method: "DELETE", path: "/board/x", token: readerToken, status: 403, says: "lacks the scope \"admin\""},
		"a board for admins":             {method: "DELETE", path: "/board/x", token: rootToken, status: 200, says: "root"},
		"a page for everyone":            {method: "GET", path: "/login", status: 200, says: "who are you?"},
		"a webhook that is not there":    {method: "POST", path: "/v1/webhooks/ops", token: senderToken, status: 404, says: "no such operation"},
		"an access token opens no route": {method: "GET", path: "/page/x", token: b.accessToken(senderToken), status: 401, says: "no such token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do(tt.method, tt.path, "", as(tt.token))
			if a.status != tt.status || !strings.Contains(a.body, strings.ReplaceAll(tt.says, `"`, `\"`)) {
				t.Errorf("%d %s, want %d and %q", a.status, a.body, tt.status, tt.says)
			}
		})
	}
}

// browser keeps cookies, and sends the headers of a browser.
func (b *bundle) browser() func(method, path, form string, headers ...string) answer {
	b.Helper()
	client := &http.Client{Jar: must(cookiejar.New(nil))}
	return func(method, path, form string, headers ...string) answer {
		b.Helper()
		r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(form))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Set(name, value)
		}
		return b.answerOf(client, r)
	}
}

func TestABrowserLogsIn(t *testing.T) {
	t.Parallel()
	b := withRoutes(t)
	browse := b.browser()
	same(t, "before", browse("GET", "/page/", "").body, "who are you? next=%2Fpage%2F")
	same(t, "a wrong token", browse("POST", "/login", "token=nonsense").status, 403)
	same(t, "logged in", browse("POST", "/login", "token="+readerToken).body, "reader admin=false")
	same(t, "still", browse("GET", "/page/", "").body, "reader admin=false")
	same(t, "a write", browse("POST", "/page/", "").status, 200)
	same(t, "a write from another site", browse("POST", "/page/", "", "Sec-Fetch-Site: cross-site").status, 403)
	same(t, "the API asks for a token", browse("GET", "/v1/messages/ops-01JD5K3V8N0000000000000000", "").status, 401)
	b.now.advance(13 * time.Hour)
	same(t, "a day later", browse("GET", "/page/", "").body, "who are you? next=%2Fpage%2F")
	same(t, "a form a day later", browse("POST", "/page/", "a=b").body, "who are you? ended=1")
	a := browse("POST", "/page/", "", "Accept: */*")
	same(t, "a program a day later", a.header.Get("Content-Type"), "application/problem+json")
}

func TestASessionEndsWithItsTokenOrByLogout(t *testing.T) {
	t.Parallel()
	b := withRoutes(t)
	one, other := b.browser(), b.browser()
	one("POST", "/login", "token="+readerToken)
	one("POST", "/logout", "")
	same(t, "after logout", one("GET", "/page/", "").body, "who are you? next=%2Fpage%2F")
	other("POST", "/login", "token="+readerToken)
	next := b.settings
	next.Tokens = next.Tokens[:1]
	b.Reload(next)
	same(t, "after its token is gone", other("GET", "/page/", "").body, "who are you? next=%2Fpage%2F")
}

func TestASessionIsForPagesOnly(t *testing.T) {
	t.Parallel()
	b := withRoutes(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/login", strings.NewReader("token="+senderToken))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	noRedirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a := b.answerOf(noRedirect, r)
	cookie := must(http.ParseSetCookie(a.header.Get("Set-Cookie")))
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || strings.Contains(cookie.Value, senderToken) {
		t.Errorf("%s", a.header.Get("Set-Cookie"))
	}
	same(t, "as an access token", b.wecomSend(cookie.Value, textBody).ErrCode, 40014)
}
