package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/waittest"
)

var peakLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peak is the peak memory of the process so far, in bytes, if the system reports it.
func (p *process) peak() (bytes int, told bool) {
	p.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, false
	}
	kilobytes, err := strconv.Atoi(string(peakLine.FindSubmatch(status)[1]))
	if err != nil {
		p.Fatal(err)
	}
	return kilobytes << 10, true
}

// It uses the whole machine, so it runs alone: `make soak`.
func TestHostileConnectionsLoseNoAlertAndTakeLittleMemory(t *testing.T) { //nolint:paralleltest // alone
	soak, err := time.ParseDuration(os.Getenv("WECOMQ_SOAK"))
	if err != nil {
		t.Skip("`make soak` besieges the gateway")
	}
	const (
		room        = 256 << 20 // the limit in the manifests in deploy
		connections = 200
	)
	l := newLandscape(t)
	l.env["GOMEMLIMIT"] = "205MiB" // as in the manifests
	config := l.gatewayConfig("", "", honestToken, hostileToken)
	address := freeport.Address(t)
	url := "http://" + address
	server := start(t, l.environ(), "serve", "-c", config, "--listen", address, "--log-level", "warn")
	waittest.Until(t, "the gateway is ready", func() bool {
		response, err := http.Get(url + "/readyz") //nolint:noctx // a poll
		if err == nil {
			_ = response.Body.Close()
		}
		return server.hasExited() || err == nil && response.StatusCode == http.StatusOK
	})

	ctx, retreat := context.WithCancel(t.Context())
	hostile := besiege(ctx, address, connections)
	t.Cleanup(hostile.clients.Wait)
	t.Cleanup(retreat)
	waittest.Until(t, "all attacks are under way", hostile.hasBegun)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	alerts := make([]string, int(soak.Seconds()))
	for i := range alerts {
		<-second.C
		alerts[i] = fmt.Sprintf("Alert%dEnd", i)
		body := strings.Replace(alertsBody("firing", "0001-01-01T00:00:00Z"), "DiskFull", alerts[i], 1)
		if code, says := callWith(t, http.MethodPost, url+"/v1/webhooks/alertmanager/ops?to_user=member"+strconv.Itoa(i), honestToken, body); code != http.StatusAccepted {
			t.Errorf("%s: HTTP %d %s", alerts[i], code, says)
		}
	}
	waittest.Until(t, "all alerts arrive", func() bool { return len(l.messages()) >= len(alerts) })
	for _, alert := range alerts {
		if n := l.arrivals(alert); n != 1 {
			t.Errorf("%s arrived %d times", alert, n)
		}
	}
	used, told := server.peak()
	if told && used >= room {
		t.Errorf("it took %d MB, and has %d", used>>20, room>>20)
	}
	retreat()
	hostile.clients.Wait()
	hostile.check(t)
	t.Logf("%d alerts among %v connections, answered with %v; at most %d MB", len(alerts), hostile.connections, hostile.answers, used>>20)
}

// check reports responses that no attack should get.
func (s *siege) check(t *testing.T) {
	t.Helper()
	for _, a := range attacks() {
		for status, n := range s.answers[a.name] {
			if !slices.Contains(a.answers, status) {
				t.Errorf("%s: %d answers are HTTP %d", a.name, n, status)
			}
		}
	}
}
