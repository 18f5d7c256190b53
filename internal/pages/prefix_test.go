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
	do := func(method, path string, form url.Values) (status int, at, body string) {
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
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, answer.Request.URL.Path, string(text)
	}
	if _, at, _ := do(http.MethodGet, "/wecomq/dead", nil); at != "/wecomq/login" {
		t.Fatalf("without a session: %s", at)
	}
	if status, at, _ := do(http.MethodPost, "/wecomq/login", url.Values{"token": {admin}, "next": {"/dead"}}); status != http.StatusOK || at != "/wecomq/dead" {
		t.Fatalf("logged in: %d %s", status, at)
	}
	seen := map[string]bool{}
	for _, page := range []string{"/wecomq/", "/wecomq/messages", "/wecomq/dashboard/", "/wecomq/messages/ops-01JD5K3V8N0000000000000000"} {
		_, _, body := do(http.MethodGet, page, nil)
		for _, link := range links.FindAllStringSubmatch(body, -1) {
			if at := link[1]; !strings.HasPrefix(at, "/wecomq/") {
				t.Errorf("%s leads to %s", page, at)
			} else if path, _, _ := strings.Cut(at, "?"); !seen[path] && !strings.HasSuffix(path, "/logout") && !strings.Contains(path, "/apps/") {
				seen[path] = true
				if status, _, _ := do(http.MethodGet, path, nil); status != http.StatusOK && status != http.StatusNotFound {
					t.Errorf("%s: %d", path, status)
				}
			}
		}
	}
	if status, _, body := do(http.MethodGet, "/wecomq/dashboard/api/queues", nil); status != http.StatusOK || !strings.Contains(body, `"queues"`) {
		t.Errorf("the dashboard's API: %d %s", status, body)
	}
	if !seen["/wecomq/assets/pages.css"] || !seen["/wecomq/dashboard/"] {
		t.Errorf("links: %v", seen)
	}
	host, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	if cookies := jar.Cookies(host); len(cookies) > 0 {
		t.Errorf("other pages of the host get %v", cookies)
	}
	do(http.MethodPost, "/wecomq/logout", nil)
	if _, at, _ := do(http.MethodGet, "/wecomq/dead", nil); at != "/wecomq/login" {
		t.Errorf("after logging out: %s", at)
	}
}
