package daemon_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

var healthAddress = regexp.MustCompile(`"addr":"([^"]+)","message":"health and metrics"`)

func TestMetricsAndProbesHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{
		Tokens: []config.Token{daemontest.Token(token, []string{"ops"}, config.ScopeRead)},
		Change: func(c *config.Config) { c.Gateway.MetricsListen = "127.0.0.1:0" },
	})
	url, stop := d.Start(daemon.Config{Gateway: true})
	found := healthAddress.FindStringSubmatch(d.Log.String())
	if found == nil {
		t.Fatalf("the log names no address:\n%s", d.Log)
	}
	main, own := &served{t, url}, &served{t, "http://" + found[1]}
	for path, want := range map[string][2]int{
		"/metrics": {404, 200}, "/healthz": {200, 200}, "/readyz": {200, 200}, "/v1/apps": {200, 404}, "/login": {200, 404},
	} {
		if got := [2]int{main.ask(http.MethodGet, path, "").status, own.ask(http.MethodGet, path, "").status}; got != want {
			t.Errorf("%s: HTTP %d and at the other address %d, want %d", path, got[0], got[1], want)
		}
	}
	if text := own.ask(http.MethodGet, "/metrics", "").body; !strings.Contains(text, "wecomq_auth_failures_total") {
		t.Errorf("no metrics of wecomq: %s", text)
	}
	stop()
}

func TestAnAddressThatIsTakenIsNamedByItsKey(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	taken, _ := d.Start(daemon.Config{Gateway: true})
	d.Config.Gateway.MetricsListen = strings.TrimPrefix(taken, "http://")
	_, err := daemon.New(t.Context(), d.Deployment, daemon.Config{Gateway: true, Listen: "127.0.0.1:0"})
	if err == nil || !strings.HasPrefix(err.Error(), "gateway.metrics_listen: listen tcp ") {
		t.Errorf("error %v", err)
	}
}
