package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// startAlertmanager runs one with its own WeCom receiver, of which only wechat_api_url is changed: its secret is
// still that of the app.
func startAlertmanager(t *testing.T, apiURL string) (p *process, url string) {
	t.Helper()
	return runAlertmanager(t, fmt.Sprintf(`
global: {wechat_api_url: %q}
route: {receiver: wecom, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: wecom
    wechat_configs:
      - {corp_id: %s, agent_id: "%d", api_secret: %s, to_user: "zhangsan|张三", message_type: markdown}
`, apiURL, wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret))
}

// runAlertmanager runs one that is not connected to others.
func runAlertmanager(t *testing.T, text string) (p *process, url string) {
	t.Helper()
	binary, err := exec.LookPath("prometheus-alertmanager") // Debian's name
	if err != nil {
		binary, err = exec.LookPath("alertmanager")
	}
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("SKIPPED: this test needs Alertmanager; install it (apt-get install prometheus-alertmanager)")
	}
	if err != nil {
		t.Fatalf("CI is set, so Alertmanager must be there: %v", err)
	}
	dir, address := t.TempDir(), freeport.Address(t)
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p = startProgram(t, nil, binary, "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+address,
		"--cluster.listen-address=", "--log.level=debug")
	url = "http://" + address
	waittest.Until(t, "Alertmanager is ready", func() bool {
		connection, err := net.Dial("tcp", address) //nolint:noctx // a poll
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	})
	return p, url
}

// fire sends an alert to Alertmanager.
func fire(t *testing.T, url, name, summary string) {
	t.Helper()
	fireAt(t, url, name, summary, time.Now())
}

// fireAt also sends since when: both of a pair get the same time.
func fireAt(t *testing.T, url, name, summary string, since time.Time) {
	t.Helper()
	body := fmt.Sprintf(`[{"labels":{"alertname":%q},"annotations":{"summary":%q},"startsAt":%q}]`, name, summary, since.Format(time.RFC3339Nano))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v2/alerts", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", response.Status, text)
	}
}

// arrivals counts the messages about an alert.
func (l *landscape) arrivals(name string) (n int) {
	l.Helper()
	for _, m := range l.messages() {
		if strings.Contains(m.Body, name) {
			n++
		}
	}
	return n
}

func TestAlertmanagersOwnReceiverComesThroughOutages(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config := l.gatewayConfig("", "", wecomtest.Secret)
	address := freeport.Address(t)
	serve := func() *process {
		p := start(t, l.environ(), "gateway", "-c", config, "--listen", address)
		p.awaitLine("gateway is up")
		return p
	}
	front := serve()
	start(t, l.environ(), "worker", "-c", config).awaitLine(`"lane is up"`)
	alertmanager, url := startAlertmanager(t, "http://"+address+"/critical/cgi-bin/")

	fire(t, url, "LongAlert", strings.Repeat("磁盘满", 400))
	waittest.Until(t, "the first alert arrives", func() bool { return l.arrivals("LongAlert") == 1 })

	front.signal(syscall.SIGTERM)
	front.exitCode()
	fire(t, url, "WithoutGateway", "x")
	alertmanager.awaitLine("connection refused")
	front = serve()
	waittest.Until(t, "the second alert arrives", func() bool { return l.arrivals("WithoutGateway") == 1 })

	l.redis.Single().Kill()
	fire(t, url, "WithoutRedis", "x")
	alertmanager.awaitLine("unexpected status code 503")
	l.redis.Single().Restart()
	waittest.Until(t, "the third alert arrives", func() bool { return l.arrivals("WithoutRedis") == 1 })
	front.signal(syscall.SIGTERM)
	front.exitCode()
	if messages := l.messages(); len(messages) != 3 {
		t.Errorf("%d messages arrived, want 3: %+v", len(messages), messages)
	}
}

// pairOutage is how long the gateway is down; WECOMQ_TEST_OUTAGE makes it longer.
func pairOutage(t *testing.T) time.Duration {
	t.Helper()
	away, err := time.ParseDuration(cmp.Or(os.Getenv("WECOMQ_TEST_OUTAGE"), "2.5s"))
	if err != nil {
		t.Fatal(err)
	}
	return away
}

// Two unconnected Alertmanagers both report everything to a gateway that is killed and down for a while: each
// alert arrives once.
func TestAPairOfAlertmanagersThroughAnOutageOfTheGateway(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config, address := l.gatewayConfig("", "", gatewayToken), freeport.Address(t)
	serve := func() *process {
		p := start(t, l.environ(), "gateway", "-c", config, "--listen", address)
		p.awaitLine("gateway is up")
		return p
	}
	front := serve()
	start(t, l.environ(), "worker", "-c", config).awaitLine(`"lane is up"`)
	text := fmt.Sprintf(`
route: {receiver: wecom, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: wecom
    webhook_configs:
      - url: "http://%s/v1/webhooks/alertmanager/ops?to_user=zhangsan"
        http_config: {authorization: {credentials: %s}}
`, address, gatewayToken)
	one, oneURL := runAlertmanager(t, text)
	other, otherURL := runAlertmanager(t, text)
	tell := func(name string) {
		since := time.Now()
		fireAt(t, oneURL, name, "x", since)
		fireAt(t, otherURL, name, "x", since)
	}
	tell("Before")
	waittest.Until(t, "both report what is before the outage", func() bool { return len(front.lines(`"status":202`)) == 2 })

	front.kill()
	away, began := time.After(pairOutage(t)), time.Now()
	names := []string{"Alpha", "Bravo", "Charlie", "Delta", "Echo"}
	for _, name := range names {
		tell(name)
	}
	one.awaitLine("connection refused")
	other.awaitLine("connection refused")
	<-away
	front = serve()
	waittest.Until(t, "both report everything", func() bool { return len(front.lines(`"webhook accepted"`)) >= 2*len(names) })
	t.Logf("everything was reported twice %s after the gateway went", time.Since(began).Round(100*time.Millisecond))
	waittest.Until(t, "everything arrives", func() bool { return len(l.messages()) >= 1+len(names) })
	for _, name := range append(names, "Before") {
		if n := l.arrivals(name); n != 1 {
			t.Errorf("%s arrived %d times", name, n)
		}
	}
	if n := len(front.lines(`"duplicate":true`)); n < len(names) {
		t.Errorf("%d reports were found to be the second, want %d at least", n, len(names))
	}
}
