package main

import (
	"testing"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/bench/stage/stagetest"
)

func TestBench(t *testing.T) {
	t.Parallel()
	stagetest.Each(t, map[string]func(*testing.T, string){"every way is measured": measure, "growth is measured": grow})
}

func measure(t *testing.T, wecomq string) {
	t.Helper()
	b := stagetest.Start(t, name, "-wecomq", wecomq, "-messages", "200", "-runs", "1", "-delays", "0s,1ms", "-probes", "5", "-idle-apps", "3", "-idle-for", "100ms")
	if code := b.End(); code != stage.ExitDone {
		t.Fatalf("exit code %d: %s", code, &b.Stderr)
	}
	const measured = ` \| [1-9]\d* \| \d+\.\d\d \| \d\.\d{3} ms \| \d\.\d{3} ms \| \d+\.\d\d \| \d+\.\d \|$`
	b.WantLines(
		`^200 messages, 64 calls in flight, 0\.\d\d ms to Redis and back, median of 1 runs; `,
		`^$`,
		`^\| way \| messages/s \| of asynq \| CPU of the worker \| CPU of Redis \| scripts \| commands \|`,
		`^\|---\|--:\|`,
		`^\| wecomq`+measured, `^\| asynq`+measured, `^\| pattern`+measured, `^\| loop`+measured,
		`^$`, `^200 messages, 64 calls in flight, [1-9]\d*\.\d\d ms to Redis and back, median of 1 runs; `,
		`^$`, `^\| way`, `^\|---\|--:\|`,
		`^\| wecomq`+measured, `^\| asynq`+measured, `^\| pattern`+measured, `^\| loop`+measured,
		`^$`, `^From Send to the call of WeCom, 5 messages`, `^$`, `^\| messages/s \| p50 \| p95 \| p99 \|$`, `^\|--:\|`,
		`^\| 10 \| \d+\.\d ms \|`, `^\| 300 \| \d+\.\d ms \|`,
		`^$`, `^A worker of 3 apps without messages, in 100ms: [\d.]+ commands/s, [\d.]+ % of a processor, and [\d.]+ % of one for Redis$`,
	)
}

func grow(t *testing.T, wecomq string) {
	t.Helper()
	b := stagetest.Start(t, name, "-wecomq", wecomq, "-growth", "-messages", "200", "-queued", "100,1000", "-workers", "1,2", "-apps", "1,3")
	if code := b.End(); code != stage.ExitDone {
		t.Fatalf("exit code %d: %s", code, &b.Stderr)
	}
	const queue = ` \| [1-9]\d* \| [1-9]\d* B each \| [1-9]\d* ms \| [1-9]\d* \| [1-9]\d* MB \|$`
	const seen = ` \| [1-9]\d* ms \| [1-9]\d* MB( \| \d+ ms){4} \|$`
	b.WantLines(
		`^One worker; 200 of the messages, or all, are sent:$`, `^$`, `^\| queued \| enqueued/s \| Redis \| first call after \| messages/s \| memory \|$`, `^\|--:\|`,
		`^\| 100`+queue, `^\| 1000`+queue,
		`^$`, `^200 messages, 64 calls in flight in each worker:$`, `^$`, `^\| workers \| messages/s \|`, `^\|--:\|`,
		`^\| 1 \| [1-9]\d* \| \d\.\d{3} ms \| \d\.\d{3} ms \| \d+\.\d\d \|$`, `^\| 2 \| [1-9]\d* \|`,
		`^$`, `^.wecomq serve. without messages; times are medians of 5:$`, `^$`, `^\| apps \| queues \| ready after \| memory \|`, `^\|--:\|`,
		`^\| 1 \| 3`+seen, `^\| 3 \| 9`+seen,
	)
}
