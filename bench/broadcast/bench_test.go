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
		"both ways are measured": measure, "an interrupt ends everything": interrupt,
	})
}

func measure(t *testing.T, wecomq string) {
	t.Helper()
	b := stagetest.Start(t, name, "-wecomq", wecomq, "-recipients", "300", "-words", "same", "-workers", "1", "-alert-every", "50ms", "-asynq-for", "1h")
	if code := b.End(); code != stage.ExitDone {
		t.Fatalf("exit code %d: %s", code, &b.Stderr)
	}
	const measured = `\| [1-9]\d* \w+ \| .+ \| .+ \| \d+ of \d+ \| .+ MB \| .+ MB \| .+ MB \|$`
	b.WantLines(
		`^1 workers, calls of 5ms; `,
		`^$`,
		`^\| words \| recipients \| way \| created in \| sent in \| calls \| Redis at the peak \| per recipient \|`,
		`^\|---\|--:\|`,
		`^\| same \| 300 \| wecomq \| \d+\.\d\d s \| \d+\.\d\d s \| 1 \| \d+\.\d MB `+measured,
		`^\| same \| 300 \| asynq \| \d.* s \| \d.* s \| 300 \| \d+\.\d MB `+measured,
	)
}

func interrupt(t *testing.T, wecomq string) {
	t.Helper()
	b := stagetest.Start(t, name, "-wecomq", wecomq, "-recipients", "100000", "-words", "own", "-workers", "2")
	b.Interrupt("/stage-*/template.txt") // everything runs, and the broadcast is being created
	if code := b.End(); code != stage.ExitFailure || !strings.HasSuffix(b.Stderr.String(), "broadcast: interrupted\n") {
		t.Errorf("exit code %d: %s; want it to say that it was interrupted", code, &b.Stderr)
	}
}
