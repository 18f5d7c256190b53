package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/waittest"
)

// alertmanagerBinary finds Alertmanager under Debian's name or its own.
func alertmanagerBinary(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"prometheus-alertmanager", "alertmanager"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const advice = "install it (apt-get install prometheus-alertmanager)"
	if os.Getenv("CI") != "" {
		t.Fatalf("CI is set, so Alertmanager must be there; %s", advice)
	}
	t.Skipf("SKIPPED: this test needs Alertmanager; %s", advice)
	return ""
}

// alertmanager is a running Alertmanager; its address is also its externalURL.
type alertmanager struct{ url string }

// startPair starts two Alertmanagers that post to the address. If they are not connected, both report everything.
func startPair(t *testing.T, binary, hook string, hearing bool) []alertmanager {
	t.Helper()
	alone := "--cluster.listen-address="
	if !hearing {
		return []alertmanager{startAlertmanager(t, binary, hook, alone), startAlertmanager(t, binary, hook, alone)}
	}
	one, other := freeport.Address(t), freeport.Address(t)
	flags := func(self, peer string) []string {
		return []string{
			"--cluster.listen-address=" + self, "--cluster.advertise-address=" + self, "--cluster.peer=" + peer,
			"--cluster.peer-timeout=500ms", "--cluster.gossip-interval=50ms", "--cluster.settle-timeout=2s",
		}
	}
	return []alertmanager{
		startAlertmanager(t, binary, hook, flags(one, other)...), startAlertmanager(t, binary, hook, flags(other, one)...),
	}
}

func startAlertmanager(t *testing.T, binary, hook string, flags ...string) alertmanager {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`
route: {receiver: wecom, group_by: [alertname], group_wait: 200ms, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: wecom
    webhook_configs: [{url: %q, send_resolved: true}]
`, hook)
	path := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeport.Address(t)
	var output bytes.Buffer
	flags = append(flags, "--config.file="+path, "--storage.path="+dir,
		"--web.listen-address="+address, "--web.external-url=http://"+address)
	cmd := exec.Command(binary, flags...) //nolint:noctx // it lives until the cleanup
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Alertmanager %s:\n%s", address, output.String())
		}
	})
	am := alertmanager{"http://" + address}
	am.awaitReady(t)
	return am
}

func (am alertmanager) awaitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waittest.Patience)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, am.url+"/-/ready", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("Alertmanager is not ready: %v", err)
		}
	}
}

// tell posts alerts as Prometheus does; a zero end means that they fire.
func (am alertmanager) tell(t *testing.T, names []string, start, end time.Time) {
	t.Helper()
	list := make([]map[string]any, len(names))
	for i, name := range names {
		list[i] = map[string]any{
			"labels":   map[string]string{"alertname": name, "severity": "critical"},
			"startsAt": start.Format(time.RFC3339Nano),
		}
		if !end.IsZero() {
			list[i]["endsAt"] = end.Format(time.RFC3339Nano)
		}
	}
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, am.url+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("Alertmanager answered %s: %s", resp.Status, text)
	}
}

// gate answers 503 while it is closed, and reports every accepted webhook.
type gate struct {
	gateway  http.Handler
	opens    time.Time
	accepted chan string // "externalURL status alertname"
	refused  atomic.Int64
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if time.Now().Before(g.opens) {
		g.refused.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	g.gateway.ServeHTTP(answer, r)
	w.WriteHeader(answer.Code)
	var sent struct {
		ExternalURL string            `json:"externalURL"` //nolint:tagliatelle // theirs
		Status      string            `json:"status"`
		GroupLabels map[string]string `json:"groupLabels"` //nolint:tagliatelle // theirs
	}
	if json.Unmarshal(body, &sent) == nil && answer.Code == http.StatusAccepted {
		g.accepted <- strings.Join([]string{sent.ExternalURL, sent.Status, sent.GroupLabels["alertname"]}, " ")
	}
}

// await waits until each alert was accepted from each of these Alertmanagers, or from any if there are none.
func (g *gate) await(t *testing.T, from []alertmanager, status string, names []string) {
	t.Helper()
	missing := map[string]bool{}
	for _, name := range names {
		for _, am := range from {
			missing[strings.Join([]string{am.url, status, name}, " ")] = true
		}
		if len(from) == 0 {
			missing[strings.Join([]string{status, name}, " ")] = true
		}
	}
	timeout := time.After(90 * time.Second)
	for len(missing) > 0 {
		select {
		case one := <-g.accepted:
			delete(missing, one)
			_, anyone, _ := strings.Cut(one, " ")
			delete(missing, anyone)
		case <-timeout:
			t.Fatalf("not accepted in time: %v", missing)
		}
	}
}

// outage is how long the gateway answers 503 in between; WECOMQ_TEST_OUTAGE makes it longer.
func outage(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("WECOMQ_TEST_OUTAGE")
	if text == "" {
		return 2 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestAlertmanagerPairThroughAnOutage runs two real Alertmanagers, a gateway that is unavailable at first, a
// worker and a simulated WeCom: everything arrives once and in order.
func TestAlertmanagerPairThroughAnOutage(t *testing.T) {
	t.Parallel()
	binary := alertmanagerBinary(t)
	for name, hearing := range map[string]bool{"that hear each other": true, "that do not hear each other": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			throughAnOutage(t, binary, hearing)
		})
	}
}

func throughAnOutage(t *testing.T, binary string, hearing bool) {
	t.Helper()
	cfg := testConfig()
	cfg.Digest.After = 0
	w := newWhole(t, cfg)
	g := &gate{gateway: w, opens: time.Now().Add(time.Hour), accepted: make(chan string, 1000)}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	pair := startPair(t, binary, server.URL+"/v1/webhooks/alertmanager/ops?to_user="+url.QueryEscape("alice,bob"), hearing)
	from := pair
	if hearing {
		from = nil // one of them may leave it to the other
	}

	names := make([]string, 5)
	for i := range names {
		names[i] = fmt.Sprintf("Alert%d", i)
	}
	away, began := outage(t), time.Now()
	g.opens = began.Add(away)
	for _, am := range pair {
		am.tell(t, names, began.Add(-time.Minute), time.Time{})
	}
	g.await(t, from, "firing", names)
	t.Logf("outage of %s, %d webhooks refused, all accepted after %s", away, g.refused.Load(), time.Since(began).Round(100*time.Millisecond))
	end := time.Now()
	for _, am := range pair {
		am.tell(t, names, began.Add(-time.Minute), end)
	}
	g.await(t, from, "resolved", names)
	if g.refused.Load() == 0 {
		t.Error("the gateway was never away")
	}
	checkOnceAndInOrder(t, w.texts(t, 2*len(names)), names)
}

// checkOnceAndInOrder checks that each alert has arrived twice: firing, then resolved.
func checkOnceAndInOrder(t *testing.T, texts, names []string) {
	t.Helper()
	position := map[string]int{}
	for i, text := range texts {
		if _, twice := position[text]; twice {
			t.Errorf("%q arrived twice", text)
		}
		position[text] = i
	}
	for _, name := range names {
		fired, ok := position["firing "+name]
		over, also := position["resolved "+name]
		if !ok || !also || fired >= over {
			t.Errorf("%s: firing is message %d (%v), resolved %d (%v)", name, fired, ok, over, also)
		}
	}
	if len(texts) != 2*len(names) {
		t.Errorf("%d messages arrived, want %d: %q", len(texts), 2*len(names), texts)
	}
}
