package daemon_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

// A short token, which can be guessed, and a long one.
const (
	guessable   = "hunter2"
	unguessable = "0123456789abcdef0123456789abcdef"
)

// doors shows a token at each door, and what it gets that waits.
var doors = map[string]struct {
	method, path string
	show         func(*http.Request, string)
	waits        int
}{
	"bearer": {method: http.MethodGet, path: "/v1/apps", show: func(r *http.Request, token string) { r.Header.Set("Authorization", "Bearer "+token) }, waits: 429},
	"webhook": {method: http.MethodPost, path: "/v1/webhooks/alertmanager/ops", show: func(r *http.Request, token string) {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("x:"+token)))
	}, waits: 503},
	"login": {method: http.MethodPost, path: "/login", show: func(r *http.Request, token string) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(url.Values{"token": {token}}.Encode()))
	}, waits: 429},
	"push": {method: http.MethodGet, path: "/push", show: func(r *http.Request, token string) {
		r.URL.RawQuery = url.Values{"token": {token}}.Encode()
	}, waits: 429},
	"gettoken": {method: http.MethodGet, path: "/cgi-bin/gettoken", show: func(r *http.Request, token string) {
		r.URL.RawQuery = url.Values{"corpid": {"wwcorp"}, "corpsecret": {token}}.Encode()
	}, waits: 429},
}

func TestWhoGuessesHasToWaitAtEachDoor(t *testing.T) {
	t.Parallel()
	for name, door := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := daemontest.New(t, daemontest.Config{
				Tokens: []config.Token{
					daemontest.Token(guessable, []string{"ops"}, config.ScopeRead, config.ScopeSend),
					daemontest.Token(unguessable, []string{"ops"}, config.ScopeRead, config.ScopeSend),
				},
				Change: func(c *config.Config) {
					c.Gateway.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
				},
			})
			address, _ := d.Start(daemon.Config{Gateway: true})
			show := func(token, from string) (status int, retryAfter, body string) {
				t.Helper()
				r := request(t, door.method, address+door.path, "", "")
				r.Header.Set("X-Forwarded-For", from)
				door.show(r, token)
				answer := exchange(t, r)
				return answer.status, answer.header.Get("Retry-After"), answer.body
			}
			normal, _, _ := show(guessable, "192.0.2.3")
			for i := range 10 {
				show("wrong-"+strconv.Itoa(i), "192.0.2.3")
			}
			if status, _, body := show(guessable, "192.0.2.3"); status != normal {
				t.Errorf("a short token that was shown before: HTTP %d, want %d: %s", status, normal, body)
			}
			for i := range 10 {
				if status, retry, _ := show("wrong-"+strconv.Itoa(i), "192.0.2.1"); status == door.waits || retry != "" {
					t.Fatalf("wrong token %d: HTTP %d", i+1, status)
				}
			}
			wrong := 10
			for _, token := range []string{"wrong", guessable} {
				status, retry, body := show(token, "192.0.2.1")
				for ; status != door.waits && wrong < 16; wrong++ { // the time was over before: the next one is longer
					show("wrong-"+strconv.Itoa(wrong), "192.0.2.1")
					status, retry, body = show(token, "192.0.2.1")
				}
				if status != door.waits || retry == "" || wrong == 10 && retry != "1" {
					t.Errorf("%q after %d wrong ones: HTTP %d, Retry-After %q", token, wrong, status, retry)
				}
				if !strings.Contains(strings.ToLower(body), "any wrong tokens") && !strings.Contains(body, "错误令牌过多") {
					t.Errorf("it does not say why: %s", body)
				}
			}
			if status, _, body := show(unguessable, "192.0.2.1"); status != normal {
				t.Errorf("a long token from the same address: HTTP %d, want %d: %s", status, normal, body)
			}
			if status, _, body := show(guessable, "192.0.2.2"); status != normal {
				t.Errorf("from another address: HTTP %d, want %d: %s", status, normal, body)
			}
			if wrong > 10 {
				return // on a slow machine; what is counted depends on how slow it is
			}
			if want := fmt.Sprintf(`"remote":"192.0.2.1","door":%q,`, name); strings.Count(d.Log.String(), want) != 1 {
				t.Errorf("%s is not once in the log:\n%s", want, d.Log)
			}
			if want := fmt.Sprintf("wecomq_auth_failures_total{door=%q} 22\n", name); !strings.Contains(fetch(t, address+"/metrics"), want) {
				t.Errorf("the metrics lack %s", want)
			}
		})
	}
}
