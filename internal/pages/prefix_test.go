package pages_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

var links = regexp.MustCompile(`(?:href|src|action)="(/[^"]*)"`)

// A proxy serves the gateway below a path, and removes that.
func TestPagesBelowAPathOfAProxy(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{
		Tokens: []config.Token{daemontest.Token(admin, []string{"ops"}, config.ScopeRead, config.ScopeAdmin)},
		Change: func(c *config.Config) { c.Gateway.PublicURL = "https://ops.example.com/wecomq/" },
	})
	root, _ := d.Start(daemon.Config{Gateway: true})
	behind, err := url.Parse(root)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/wecomq/", http.StripPrefix("/wecomq", &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(behind) }}))
	proxy := httptest.NewServer(mux)
	t.Cleanup(proxy.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	do := func(method, path string, form url.Values) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, proxy.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(body)
	}
	if a, _ := do(http.MethodGet, "/wecomq/dead", nil); a.Request.URL.Path != "/wecomq/login" {
		t.Fatalf("without a session: %s", a.Request.URL)
	}
	a, _ := do(http.MethodPost, "/wecomq/login", url.Values{"token": {admin}, "next": {"/dead"}})
	if a.StatusCode != http.StatusOK || a.Request.URL.Path != "/wecomq/dead" {
		t.Fatalf("logged in: %d %s", a.StatusCode, a.Request.URL)
	}
	seen := map[string]bool{}
	for _, page := range []string{"/wecomq/", "/wecomq/messages", "/wecomq/dashboard/", "/wecomq/messages/ops-01JD5K3V8N0000000000000000"} {
		_, body := do(http.MethodGet, page, nil)
		for _, link := range links.FindAllStringSubmatch(body, -1) {
			if at := link[1]; !strings.HasPrefix(at, "/wecomq/") {
				t.Errorf("%s leads to %s", page, at)
			} else if path, _, _ := strings.Cut(at, "?"); !seen[path] && !strings.HasSuffix(path, "/logout") && !strings.Contains(path, "/apps/") {
				seen[path] = true
				if a, _ := do(http.MethodGet, path, nil); a.StatusCode != http.StatusOK && a.StatusCode != http.StatusNotFound {
					t.Errorf("%s: %d", path, a.StatusCode)
				}
			}
		}
	}
	if a, body := do(http.MethodGet, "/wecomq/dashboard/api/queues", nil); a.StatusCode != http.StatusOK || !strings.Contains(body, `"queues"`) {
		t.Errorf("the dashboard's API: %d %s", a.StatusCode, body)
	}
	if !seen["/wecomq/assets/pages.css"] || !seen["/wecomq/dashboard/"] {
		t.Errorf("links: %v", seen)
	}
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	if cookies := jar.Cookies(at); len(cookies) > 0 {
		t.Errorf("other pages of the host get %v", cookies)
	}
	do(http.MethodPost, "/wecomq/logout", nil)
	if a, _ := do(http.MethodGet, "/wecomq/dead", nil); a.Request.URL.Path != "/wecomq/login" {
		t.Errorf("after logging out: %s", a.Request.URL)
	}
}
