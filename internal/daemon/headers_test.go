package daemon_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

// served is a gateway that browsers find at a public address.
type served struct {
	*testing.T
	url string
}

func serve(t *testing.T, public config.PublicURL) *served {
	t.Helper()
	d := daemontest.New(t, daemontest.Config{
		Tokens: []config.Token{daemontest.Token(token, []string{"ops"}, config.ScopeRead, config.ScopeSend, config.ScopeAdmin)},
		Change: func(c *config.Config) { c.Gateway.PublicURL = public },
	})
	url, _ := d.Start(daemon.Config{Gateway: true})
	return &served{t, url}
}

// ask makes a request with a token, and does not follow redirects. Headers are pairs.
func (s *served) ask(method, path, body string, headers ...string) reply {
	s.Helper()
	r := request(s.T, method, s.url+path, token, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return exchange(s.T, r)
}

// login returns the cookie of a session.
func (s *served) login(headers ...string) string {
	s.Helper()
	headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
	return s.ask(http.MethodPost, "/login", url.Values{"token": {token}}.Encode(), headers...).header.Get("Set-Cookie")
}

func TestEveryAnswerIsWhatItSaysAndOnlyWhatIsPublicIsKept(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	const kept, private = "no-cache", "no-store"
	for request, want := range map[string]struct {
		status int
		cache  string
	}{
		"GET /":                                  {200, private},
		"GET /login":                             {200, private},
		"GET /messages/ops-1":                    {404, private},
		"GET /v1/apps":                           {200, private},
		"GET /v1/nothing":                        {404, private},
		"POST /v1/messages":                      {400, private},
		"POST /v1/webhooks/alertmanager/ops":     {400, private},
		"POST /v1/webhooks/nobody/ops":           {404, private},
		"GET /push?to_user=lisi&content=x":       {202, private},
		"HEAD /push":                             {405, private},
		"GET /cgi-bin/gettoken":                  {200, private},
		"POST /cgi-bin/message/send":             {200, private},
		"GET /dashboard/":                        {200, private},
		"GET /dashboard/api/queues":              {200, private},
		"GET /dashboard/static/js/none.js":       {200, "private, max-age=3600"},
		"GET /v1/broadcasts/ops-b1/report":       {404, private},
		"GET /nothing":                           {404, private},
		"GET /healthz":                           {200, private},
		"GET /readyz":                            {200, private},
		"GET /metrics":                           {200, private},
		"GET /docs":                              {200, kept},
		"GET /openapi.json":                      {200, kept},
		"GET /assets/pages.css":                  {200, kept},
		"GET /assets/none.css":                   {404, private},
		"PUT /v1/messages/ops-1/card":            {405, private},
		"GET /v1/broadcasts/ops-b1?recipient=%2": {404, private},
	} {
		method, path, _ := strings.Cut(request, " ")
		answer := s.ask(method, path, "")
		got := answer.header.Get("Cache-Control")
		if answer.status != want.status || got != want.cache || answer.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: HTTP %d, want %d; Cache-Control %q, want %q; %v", request, answer.status, want.status, got, want.cache, answer.header)
		}
	}
}

func TestWhatBrowsersRememberFollowsFromThePublicURL(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		public       config.PublicURL
		headers      []string
		path         string
		secure, hsts bool
	}{
		"no public address":                {path: "/"},
		"none, behind a proxy with TLS":    {headers: []string{"X-Forwarded-Proto", "https"}, path: "/", secure: true},
		"plain":                            {public: "http://ops.example.com", path: "/"},
		"with TLS":                         {public: "https://ops.example.com", path: "/", secure: true, hsts: true},
		"with TLS, below a path":           {public: "https://ops.example.com/wecomq", path: "/wecomq/", secure: true},
		"with TLS, on a port among others": {public: "https://ops.example.com:8443/wecomq/", path: "/wecomq/", secure: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tc.public)
			cookie := s.login(tc.headers...)
			if strings.Contains(cookie, "; Secure") != tc.secure || !strings.Contains(cookie, "; Path="+tc.path+";") {
				t.Errorf("the session's cookie: %s", cookie)
			}
			spoken := s.ask(http.MethodGet, "/?lang=en", "", tc.headers...).header.Get("Set-Cookie")
			if strings.Contains(spoken, "; Secure") != tc.secure || !strings.Contains(spoken, "; Path="+tc.path+";") {
				t.Errorf("the language's cookie: %s", spoken)
			}
			gone := s.ask(http.MethodGet, "/dead", "", append(tc.headers, "Authorization", "", "Accept", "text/html")...)
			if at := gone.header.Get("Location"); at != strings.TrimSuffix(tc.path, "/")+"/login?next=%2Fdead" {
				t.Errorf("without a session: %s", at)
			}
			want := ""
			if tc.hsts {
				want = "max-age=31536000"
			}
			if got := gone.header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("Strict-Transport-Security %q, want %q", got, want)
			}
		})
	}
}
