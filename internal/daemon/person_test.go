package daemon_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

func TestATrustedProxyLogsPeopleIn(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		user    []string
		groups  []string
		admin   bool
		let     bool
	}{
		"an admin":                       {trusted: loopback, user: []string{"lisi"}, groups: []string{"staff,admins"}, admin: true, let: true},
		"somebody of the staff":          {trusted: loopback, user: []string{"lisi"}, groups: []string{"staff"}, let: true},
		"groups with blanks":             {trusted: loopback, user: []string{"lisi"}, groups: []string{"x, admins"}, admin: true, let: true},
		"everybody":                      {trusted: loopback, user: []string{"lisi"}, groups: []string{"guests"}, let: true},
		"somebody of no group":           {trusted: loopback, user: []string{"lisi"}, groups: []string{"guests"}},
		"somebody without groups":        {trusted: loopback, user: []string{"lisi"}},
		"nobody":                         {trusted: loopback, groups: []string{"admins"}},
		"a name that the client added":   {trusted: loopback, user: []string{"root", "lisi"}, groups: []string{"admins"}},
		"a group that the client added":  {trusted: loopback, user: []string{"lisi"}, groups: []string{"admins", "staff"}},
		"a name that cannot be shown":    {trusted: loopback, user: []string{"lisi\u202e"}, groups: []string{"admins"}},
		"a name that is too long":        {trusted: loopback, user: []string{strings.Repeat("l", 65)}, groups: []string{"admins"}},
		"a proxy that nobody trusts":     {trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, user: []string{"lisi"}, groups: []string{"admins"}},
		"a group named like a wild card": {trusted: loopback, user: []string{"lisi"}, groups: []string{"*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := daemontest.New(t, daemontest.Config{
				Apps: []string{"hr", "ops"}, Tokens: []config.Token{daemontest.Token(token, []string{"ops"}, config.ScopeRead)},
				Change: func(c *config.Config) {
					c.Gateway.TrustedProxies = tc.trusted
					c.Gateway.Login = &config.Login{ProxyHeader: "X-Forwarded-User", GroupsHeader: "X-Forwarded-Groups", Groups: []config.Group{
						{Name: "admins", Apps: []string{"ops"}, Scopes: []config.Scope{config.ScopeRead, config.ScopeAdmin}},
						{Name: "staff", Apps: []string{"hr"}, Scopes: []config.Scope{config.ScopeRead}},
					}}
					if name == "everybody" {
						everybody := config.Group{Name: config.Everybody, Apps: []string{"ops"}, Scopes: []config.Scope{config.ScopeRead}}
						c.Gateway.Login.Groups = append(c.Gateway.Login.Groups, everybody)
					}
				},
			})
			address, _ := d.Start(daemon.Config{Gateway: true})
			ask := func(method, path string, more ...string) (status int, body string) {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), method, address+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header = http.Header{"X-Forwarded-User": tc.user, "X-Forwarded-Groups": tc.groups, "Accept": {"text/html"}, "Accept-Language": {"en"}}
				for i := 0; i < len(more); i += 2 {
					r.Header.Set(more[i], more[i+1])
				}
				answer := exchange(t, r)
				return answer.status, answer.body
			}
			status, page := ask(http.MethodGet, "/")
			if tc.let != (status == http.StatusOK) || tc.let && !strings.Contains(page, "user:lisi") || strings.Contains(page, "/logout") {
				t.Errorf("HTTP %d, want a page: %t\n%s", status, tc.let, page)
			}
			_, _ = ask(http.MethodPost, "/apps/ops/pause")
			acts, err := d.Activity().Newest(t.Context(), activity.Query{Action: activity.PauseApp}, 10)
			if paused := len(acts) > 0 && acts[0].Error == ""; err != nil || paused != tc.admin || paused && acts[0].Actor != "user:lisi" {
				t.Errorf("the trail has %+v, %v; may pause: %t", acts, err, tc.admin)
			}
			if status, _ := ask(http.MethodPost, "/apps/hr/pause"); status == http.StatusSeeOther && tc.let {
				t.Error("the rights of one group hold for the apps of another")
			}
			if status, _ := ask(http.MethodGet, "/v1/apps"); status != http.StatusUnauthorized {
				t.Errorf("the API lets people in without a token: HTTP %d", status)
			}
			_, cookie := session(t, address, token)
			if status, _ := ask(http.MethodGet, "/", "Cookie", cookie); status != http.StatusOK {
				t.Errorf("with a session of a token: HTTP %d", status)
			}
		})
	}
}
