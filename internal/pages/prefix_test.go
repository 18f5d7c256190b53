package pages_test

import (
	"html"
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

var links = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// unasked matches links that the test does not follow: buttons.
var unasked = regexp.MustCompile(`/(logout|replay|pause|resume|cancel|recall)$`)

// A proxy serves the gateway below a path, which it removes.
func TestPagesBelowAPathOfAProxy(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{
		Tokens: []config.Token{daemontest.Token(admin, []string{"ops"}, config.Scopes()...)},
		Change: func(c *config.Config) { c.Gateway.PublicURL = "https://ops.example.com/wecomq/" },
	})
	root, _ := d.Start(daemon.Config{Gateway: true})
	b := &bundle{T: t, Deployment: d}
	id := b.send("ops", "chen.li", "hello")
	b.reject("ops", id)
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
	const gone = "/wecomq/messages/ops-01JD5K3V8N0000000000000000"
	seen := map[string]bool{gone: true}
	for _, page := range []string{
		"/wecomq/", "/wecomq/apps/ops", "/wecomq/messages", "/wecomq/messages/" + id, gone, "/wecomq/dead",
		"/wecomq/broadcasts", "/wecomq/broadcasts/new", "/wecomq/activity", "/wecomq/dashboard/", "/wecomq/docs",
	} {
		status, _, body := do(http.MethodGet, page, nil)
		if status != http.StatusOK && page != gone {
			t.Errorf("%s: %d", page, status)
		}
		for _, link := range links.FindAllStringSubmatch(body, -1) {
			from := &url.URL{Path: page}
			to, err := from.Parse(html.UnescapeString(link[1]))
			switch {
			case err != nil || to.Host != "":
			case !strings.HasPrefix(to.Path, "/wecomq/"):
				t.Errorf("%s leads to %s", page, to)
			case !seen[to.Path] && !unasked.MatchString(to.Path):
				seen[to.Path] = true
				if status, _, _ := do(http.MethodGet, to.Path, nil); status != http.StatusOK {
					t.Errorf("%s leads to %s: %d", page, to, status)
				}
			}
		}
	}
	if status, _, body := do(http.MethodGet, "/wecomq/dashboard/api/queues", nil); status != http.StatusOK || !strings.Contains(body, `"queues"`) {
		t.Errorf("the dashboard's API: %d %s", status, body)
	}
	if !seen["/wecomq/assets/pages.css"] || !seen["/wecomq/dashboard/"] || !seen["/wecomq/openapi-3.0.json"] {
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
