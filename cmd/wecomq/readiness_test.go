package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/waittest"
)

func TestARedisThatIsFullIsNotReady(t *testing.T) {
	t.Parallel()
	l := newLandscape(t, "maxmemory-policy noeviction")
	config := l.gatewayConfig("", "", gatewayToken)
	front := start(t, l.environ(), "gateway", "-c", config)
	url := gatewayURL(front)
	server := l.redis.Single().Client()
	memory := func(limit string) {
		t.Helper()
		if err := server.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
			t.Fatal(err)
		}
	}
	memory("1")
	var answer string
	waittest.Until(t, "the gateway is not ready", func() bool {
		code, text := call(t, http.MethodGet, url+"/readyz", "")
		answer = text
		return code == http.StatusServiceUnavailable
	})
	if answer != "Redis: full, it refuses writes\n" {
		t.Errorf("/readyz says %q", answer)
	}
	code, problem := callWith(t, http.MethodPost, url+"/v1/messages", gatewayToken, `{"touser":"a","msgtype":"text","text":{"content":"x"}}`)
	if code != http.StatusServiceUnavailable || !strings.Contains(problem, "Redis is not accepting writes") {
		t.Errorf("HTTP %d %s", code, problem)
	}
	asked := start(t, l.environ(), "check", "--ready", url)
	if code := asked.exitCode(); code != exitFailure || asked.stderr.String() != "wecomq: check: not ready: Redis: full, it refuses writes\n" {
		t.Errorf("check --ready exits %d: %s", code, &asked.stderr)
	}
	if code := start(t, l.environ(), "check", "-c", config).exitCode(); code != exitFailure {
		t.Errorf("check exits %d, want %d", code, exitFailure)
	}
	worker := start(t, l.environ(), "worker", "-c", config) // which can empty it
	worker.awaitLine(`"lane is up"`)
	memory("0")
	waittest.Until(t, "the gateway is ready again", func() bool {
		code, _ := call(t, http.MethodGet, url+"/readyz", "")
		return code == http.StatusOK
	})
	if code := start(t, l.environ(), "check", "--ready", strings.TrimPrefix(url, "http://")).exitCode(); code != 0 {
		t.Errorf("check --ready exits %d", code)
	}
}
