package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/bench/stage/stagetest"
)

func TestEveryWayIsMeasured(t *testing.T) {
	t.Parallel()
	b := stagetest.Start(t, name, "-messages", "200", "-runs", "1", "-delays", "0s,1ms", "-probes", "5", "-idle-apps", "3", "-idle-for", "100ms")
	if code := b.End(); code != stage.ExitDone {
		t.Fatalf("exit code %d: %s", code, &b.Stderr)
	}
	rows := strings.Split(strings.TrimSpace(b.Stdout.String()), "\n")
	const measured = ` \| [1-9]\d* \| \d+\.\d\d \| \d\.\d{3} ms \| \d\.\d{3} ms \| \d+\.\d\d \| \d+\.\d \|$`
	for i, pattern := range []string{
		`^200 messages, 64 calls in flight, 0\.\d\d ms to Redis and back, median of 1 runs; `,
		`^$`,
		`^\| way \| messages/s \| of asynq \| CPU of the worker \| CPU of Redis \| scripts \| commands \|`,
		`^\|---\|--:\|`,
		`^\| wecomq` + measured, `^\| asynq` + measured, `^\| pattern` + measured, `^\| loop` + measured,
		`^$`, `^200 messages, 64 calls in flight, [1-9]\d*\.\d\d ms to Redis and back, median of 1 runs; `,
		`^$`, `^\| way`, `^\|---\|--:\|`,
		`^\| wecomq` + measured, `^\| asynq` + measured, `^\| pattern` + measured, `^\| loop` + measured,
		`^$`, `^From Send to the call of WeCom, 5 messages`, `^$`, `^\| messages/s \| p50 \| p95 \| p99 \|$`, `^\|--:\|`,
		`^\| 10 \| \d+\.\d ms \|`, `^\| 300 \| \d+\.\d ms \|`,
		`^$`, `^A worker of 3 apps without messages, in 100ms: [\d.]+ commands/s, [\d.]+ % of a processor, and [\d.]+ % of one for Redis$`,
	} {
		if i >= len(rows) || !regexp.MustCompile(pattern).MatchString(rows[i]) {
			t.Fatalf("line %d is not %s in\n%s", i+1, pattern, &b.Stdout)
		}
	}
}
