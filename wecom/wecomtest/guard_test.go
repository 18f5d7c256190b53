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
		"a program changes something":         {method: "POST", path: "/admin/faults", host: "127.0.0.1:8090", want: 200},
		"a page of its own":                   {method: "POST", path: "/admin/faults", host: "127.0.0.1:8090", header: "Sec-Fetch-Site: same-origin", want: 200},
		"a page of another site":              {method: "POST", path: "/admin/faults", host: "127.0.0.1:8090", header: "Sec-Fetch-Site: cross-site", want: 403},
		"one of another port":                 {method: "POST", path: "/admin/faults", host: "localhost:8090", header: "Sec-Fetch-Site: same-site", want: 403},
		"one in an old browser":               {method: "POST", path: "/admin/faults", host: "127.0.0.1:8090", header: "Origin: https://evil.example", want: 403},
		"it forgets nothing either":           {method: "DELETE", path: "/admin/messages", host: "127.0.0.1:8090", header: "Sec-Fetch-Site: cross-site", want: 403},
		"a name that leads here":              {method: "POST", path: "/admin/faults", host: "evil.example:8090", header: "Sec-Fetch-Site: same-origin", want: 403},
		"reading by a name that leads here":   {method: "GET", path: "/admin/rules", host: "evil.example", want: 403},
		"looking by a name that leads here":   {method: "GET", path: "/", host: "evil.example", want: 403},
		"looking by an address":               {method: "GET", path: "/", host: "[::1]:8090", want: 200},
		"looking at localhost":                {method: "GET", path: "/", host: "LOCALHOST:8090", want: 200},
		"a name that is its own":              {method: "GET", path: "/admin/rules", host: "simulator:8090", hosts: []string{"simulator"}, want: 200},
		"another name":                        {method: "GET", path: "/admin/rules", host: "evil.example", hosts: []string{"simulator"}, want: 403},
		"any name, if that is wanted":         {method: "GET", path: "/admin/rules", host: "evil.example", hosts: []string{"*"}, want: 200},
		"its own name, from another site":     {method: "POST", path: "/admin/faults", host: "simulator:8090", header: "Sec-Fetch-Site: cross-site", hosts: []string{"*"}, want: 403},
		"WeCom's API is for programs":         {method: "POST", path: "/cgi-bin/message/send", host: "simulator:8090", want: 200},
		"without a host there is none to ask": {method: "GET", path: "/admin/rules", want: 403},
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
