package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
)

// TestAReloadStopsNobody reloads during a long call.
func TestAReloadStopsNobody(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	const hr = "  hr:\n    corp_id: ww0123456789abcdef\n    agent_id: 1000003\n    secret: secret-of-hr\n    api_base_url: "
	const patient = "    timeout: 60s\n"
	config := l.gatewayConfig("", patient+hr+l.url+"\n", gatewayToken)
	worker := start(t, l.environ(), "worker", "-c", config)
	waittest.Until(t, "both lanes are up", func() bool { return len(worker.lines(`"lane is up"`)) == 2 })
	l.fault(`{"api": "message/send", "delay": "1h", "match": {"content": "slow"}}`)
	send := func(app, text string) string {
		return l.ids(l.run("", "-c", config, "send", "--app", app, "--to-user", "zhangsan", "--text", text))[0]
	}
	slow := send("ops", "slow")
	l.awaitCalls(1)

	l.gatewayConfig(config, patient+"    concurrency: 3\n"+hr+l.url+"\n", gatewayToken)
	worker.signal(syscall.SIGHUP)
	worker.awaitLine(`"concurrency":3`)
	l.awaitRecord(config, send("ops", "by the new worker"), tasks.Accepted)
	l.awaitRecord(config, send("hr", "by the worker that stays"), tasks.Accepted)
	if lines := worker.lines("lane is down"); len(lines) > 0 {
		t.Errorf("the call that is slow has ended too early to prove anything: %s", lines)
	}
	l.speedUp()
	worker.signal(syscall.SIGTERM)
	if code := worker.exitCode(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	l.awaitRecord(config, slow, tasks.Accepted)
	if up, down := len(worker.lines(`"lane is up"`)), len(worker.lines(`"lane is down"`)); up != 3 || down != 3 {
		t.Errorf("lanes went up %d times and down %d times, want 3: one of them again", up, down)
	}
}

func TestAllWorkersTogetherTellOfTroubleOnce(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	const hr = "  hr:\n    corp_id: ww0123456789abcdef\n    agent_id: 1000003\n    secret: secret-of-hr\n    api_base_url: "
	config := l.gatewayConfig("", hr+l.url+"\n", gatewayToken)
	worker := start(t, l.environ(), "worker", "-c", config)
	waittest.Until(t, "both lanes are up", func() bool { return len(worker.lines(`"lane is up"`)) == 2 })
	l.redis.Single().Kill()
	worker.awaitLine("Redis is unavailable")
	l.redis.Single().Restart()
	worker.awaitLine("Redis has recovered")
	if lines := worker.lines(`"component":"redis"`); len(lines) != 2 {
		t.Errorf("%d lines, want 2: %s", len(lines), strings.Join(lines, "\n"))
	}
}
