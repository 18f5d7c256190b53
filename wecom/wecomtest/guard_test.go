package wecomtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestPagesOfOtherSitesCannotUseTheSimulator(t *testing.T) {
	t.Parallel()
	const change = `{"api":"*","reset":true}`
	for name, tc := range map[string]struct {
		method, path, host, header string
		hosts                      []string
		want                       int
	}{
		"a program changes something":         {"POST", "/admin/faults", "127.0.0.1:8090", "", nil, 200},
		"a page of its own":                   {"POST", "/admin/faults", "127.0.0.1:8090", "Sec-Fetch-Site: same-origin", nil, 200},
		"a page of another site":              {"POST", "/admin/faults", "127.0.0.1:8090", "Sec-Fetch-Site: cross-site", nil, 403},
		"one of another port":                 {"POST", "/admin/faults", "localhost:8090", "Sec-Fetch-Site: same-site", nil, 403},
		"one in an old browser":               {"POST", "/admin/faults", "127.0.0.1:8090", "Origin: https://evil.example", nil, 403},
		"it forgets nothing either":           {"DELETE", "/admin/messages", "127.0.0.1:8090", "Sec-Fetch-Site: cross-site", nil, 403},
		"a name that leads here":              {"POST", "/admin/faults", "evil.example:8090", "Sec-Fetch-Site: same-origin", nil, 403},
		"reading by a name that leads here":   {"GET", "/admin/rules", "evil.example", "", nil, 403},
		"looking by a name that leads here":   {"GET", "/", "evil.example", "", nil, 403},
		"looking by an address":               {"GET", "/", "[::1]:8090", "", nil, 200},
		"looking at localhost":                {"GET", "/", "LOCALHOST:8090", "", nil, 200},
		"a name that is its own":              {"GET", "/admin/rules", "simulator:8090", "", []string{"simulator"}, 200},
		"another name":                        {"GET", "/admin/rules", "evil.example", "", []string{"simulator"}, 403},
		"any name, if that is wanted":         {"GET", "/admin/rules", "evil.example", "", []string{"*"}, 200},
		"its own name, from another site":     {"POST", "/admin/faults", "simulator:8090", "Sec-Fetch-Site: cross-site", []string{"*"}, 403},
		"WeCom's API is for programs":         {"POST", "/cgi-bin/message/send", "simulator:8090", "", nil, 200},
		"without a host there is none to ask": {"GET", "/admin/rules", "", "", nil, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, err := wecomtest.New(wecomtest.Rules{})
			if err != nil {
				t.Fatal(err)
			}
			sim.Hosts = tc.hosts
			r := httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, strings.NewReader(change))
			r.Host = tc.host
			if name, value, ok := strings.Cut(tc.header, ": "); ok {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			if sim.ServeHTTP(w, r); w.Code != tc.want {
				t.Errorf("HTTP %d %s, want %d", w.Code, w.Body, tc.want)
			}
			if faults := len(sim.Faults()); (faults > 0) != (tc.method == http.MethodPost && tc.want == 200 && strings.HasPrefix(tc.path, "/admin")) {
				t.Errorf("there are %d faults", faults)
			}
		})
	}
}
