package main

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/bench/stage/stagetest"
)

func TestBench(t *testing.T) {
	t.Parallel()
	stagetest.Each(t, map[string]func(*testing.T, string){
		"every way is measured": measure, "an interrupt ends everything": interrupt,
	})
}

func measure(t *testing.T, wecomq string) {
	t.Helper()
	b := stagetest.Start(t, name, "-wecomq", wecomq, "-ways", "wecomq,asynq,reserve", "-workers", "1", "-calls-per-minute", "6000", "-backlog", "1000",
		"-alert-every", "50ms", "-jitter", "1ms", "-duration", "600ms", "-warm-up", "100ms", "-grace", "500ms")
	if code := b.End(); code != stage.ExitDone {
		t.Fatalf("exit code %d: %s", code, &b.Stderr)
	}
	b.WantLines(
		`^6000 calls a minute allowed, a backlog of 1000, 600ms measured; `,
		`^$`,
		`^\| way \| workers \| rate used \| most in 60 s \| 45009 \| dequeues per message \|`,
		`^\|---\|--:\|`,
		`^\| wecomq \| 1 \| \d+\.\d % \| [1-9]\d* \| 0 \| \d+\.\d\d \| \d+ ms \| \d+ ms \| (\d+) of (\d+) \| [1-9]\d* \| \d+ % \|$`,
		`^\| asynq \| 1 \| \d+\.\d % \| [1-9]\d* \| 0 \| .+ \| .+ \| .+ \| \d+ of \d+ \| [1-9]\d* \| \d+ % \|$`,
		`^\| reserve \| 1 \| \d+\.\d % \| [1-9]\d* \| 0 \| \d+\.\d\d \| \d+ ms \| \d+ ms \| (\d+) of (\d+) \| [1-9]\d* \| \d+ % \|$`,
	)
}

func interrupt(t *testing.T, wecomq string) {
	t.Helper()
	b := stagetest.Start(t, name, "-wecomq", wecomq, "-workers", "2", "-duration", "1h", "-backlog", "1000")
	b.Interrupt("/stage-*/wecomq.yaml") // Redis and the simulator run, the workers are starting
	if code := b.End(); code != stage.ExitFailure || !strings.HasSuffix(b.Stderr.String(), "pacing: interrupted\n") {
		t.Errorf("exit code %d: %s; want it to say that it was interrupted", code, &b.Stderr)
	}
}
