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

func TestOnlyATrustedProxySaysWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	proxies := []netip.Prefix{loopback, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		headers []string
		want    string
	}{
		"nobody is trusted":                      {nil, []string{"203.0.113.7"}, "127.0.0.1"},
		"others are trusted":                     {proxies[1:], []string{"203.0.113.7"}, "127.0.0.1"},
		"a proxy that says nothing":              {proxies, nil, "127.0.0.1"},
		"a proxy":                                {proxies, []string{"203.0.113.7"}, "203.0.113.7"},
		"a client that has written addresses":    {proxies, []string{"10.0.0.1, 198.51.100.1,203.0.113.7"}, "203.0.113.7"},
		"two proxies":                            {proxies, []string{"198.51.100.1, 203.0.113.7, 10.0.0.1"}, "203.0.113.7"},
		"a header of its own from each":          {proxies, []string{"198.51.100.1, 203.0.113.7", "10.0.0.1"}, "203.0.113.7"},
		"proxies only":                           {proxies, []string{"10.0.0.9, 10.0.0.1"}, "10.0.0.1"},
		"proxies only, one of them the peer":     {proxies, []string{"10.0.0.9, 127.0.0.1"}, "127.0.0.1"},
		"proxies behind an invalid address":      {proxies, []string{"unknown, 10.0.0.9, 10.0.0.1"}, "10.0.0.1"},
		"an invalid address":                     {proxies, []string{"203.0.113.7, unknown"}, "127.0.0.1"},
		"a proxy that appends to an invalid one": {proxies, []string{"unknown, 10.0.0.1"}, "10.0.0.1"},
		"an IPv6 address":                        {proxies, []string{"2001:db8::7, fd00::1"}, "2001:db8::7"},
		"addresses with ports":                   {proxies, []string{"203.0.113.7:4711, [fd00::1]:80"}, "203.0.113.7"},
		"an IPv4 address in IPv6 form":           {proxies, []string{"203.0.113.7, ::ffff:10.0.0.1"}, "203.0.113.7"},
		"a proxy of the network, but not beside": {[]netip.Prefix{loopback}, []string{"203.0.113.7, 10.0.0.1"}, "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := daemontest.New(t, daemontest.Config{
				Tokens: []config.Token{daemontest.Token("boss", []string{"ops"}, config.ScopeSend, config.ScopeAdmin)},
				Change: func(c *config.Config) { c.Gateway.TrustedProxies = tc.trusted },
			})
			address, _ := d.Start(daemon.Config{Gateway: true})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, address+"/v1/messages/ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{"X-Forwarded-For": tc.headers, "Authorization": {"Bearer boss"}}
			(&browser{T: t}).do(r)
			awaitLog(t, d, `"message":"request"`, 1)
			if want := `"remote":"` + tc.want + `"`; strings.Count(d.Log.String(), want) != 2 {
				t.Errorf("%s is not in the lines of the request and of the act:\n%s", want, d.Log)
			}
			acts, err := d.Activity().Newest(t.Context(), activity.Query{}, 10)
			if err != nil || len(acts) != 1 || acts[0].From != tc.want {
				t.Errorf("the trail has %+v, %v, want one act from %s", acts, err, tc.want)
			}
		})
	}
}
