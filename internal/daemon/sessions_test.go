package daemon_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/redistest"
)

// session is a browser that has logged in with a token, and its cookie.
func session(t *testing.T, address, token string) (b *browser, cookie string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b = &browser{t, http.Client{Jar: jar}, address}
	b.post("/login", url.Values{"token": {token}})
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range jar.Cookies(at) {
		cookie = c.String()
	}
	return b, cookie
}

// otherSpellings are texts that differ from a cookie in its last character only: some of them
// are, to a decoder that is not strict, the same bytes.
func otherSpellings(cookie string) []string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var others []string
	for _, last := range digits {
		if other := cookie[:len(cookie)-1] + string(last); other != cookie {
			others = append(others, other)
		}
	}
	return others
}

func TestLoggingOutEndsTheSessionEverywhere(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	start := func() (*daemontest.Deployment, *served) {
		d := daemontest.New(t, daemontest.Config{RedisURL: server.URL(), Tokens: []config.Token{
			daemontest.Token(token, []string{"ops"}, config.ScopeRead, config.ScopeAdmin),
		}})
		address, _ := d.Start(daemon.Config{Gateway: true})
		return d, &served{t, address}
	}
	d, one := start()
	_, two := start()
	b, cookie := session(t, one.url, token)
	_, other := session(t, one.url, token)
	visit := func(s *served, cookie, path string) reply {
		t.Helper()
		return s.ask(http.MethodGet, path, "", "Authorization", "", "Cookie", cookie, "Accept", "text/html")
	}
	for _, s := range []*served{one, two} {
		if got := visit(s, cookie, "/").status; got != http.StatusOK {
			t.Fatalf("before the logout: HTTP %d", got)
		}
	}
	b.post("/logout", nil)
	for _, spelling := range otherSpellings(cookie) {
		if got := visit(one, spelling, "/").status; got == http.StatusOK {
			t.Errorf("the cookie, spelled in another way, is a session after the logout: %s", spelling)
		}
	}
	for _, s := range []*served{one, two} {
		for _, path := range []string{"/", "/dashboard/"} {
			if got := visit(s, cookie, path); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/login") {
				t.Errorf("a copy of the cookie gets %s after the logout: HTTP %d", path, got.status)
			}
		}
		if got := visit(s, other, "/").status; got != http.StatusOK {
			t.Errorf("another session of the token: HTTP %d", got)
		}
	}
	acts, err := d.Activity().Newest(t.Context(), activity.Query{Action: activity.Logout}, 10)
	if err != nil || len(acts) != 1 || acts[0].Actor != token {
		t.Errorf("the trail has %+v, %v, want one logout", acts, err)
	}

	server.Kill()
	gone := visit(two, other, "/broadcasts/new")
	if gone.status != http.StatusServiceUnavailable || !strings.Contains(gone.body, "Redis did not answer") {
		t.Errorf("without Redis: HTTP %d: %s", gone.status, gone.body)
	}
	if got := two.ask(http.MethodPost, "/logout", "", "Cookie", cookie, "Authorization", ""); !strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("without Redis the browser keeps its session: %v", got.header)
	}
}
