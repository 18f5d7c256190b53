package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/waittest"
)

// benchmark runs `pacing` with a directory of its own for what it leaves behind.
type benchmark struct {
	*testing.T
	tmp            string
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

func newBenchmark(t *testing.T, args ...string) *benchmark {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") == "" {
		t.Skip("SKIPPED: this test needs redis-server; install it (apt-get install redis-server)")
	}
	tmp, err := os.MkdirTemp("", "") //nolint:usetesting // its name is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	b := &benchmark{T: t, tmp: tmp, cmd: exec.CommandContext(t.Context(), "pacing", args...)}
	b.cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	if raceEnabled { // the program is built as the tests are: that is in the build cache
		b.cmd.Env = append(b.cmd.Env, "GOFLAGS=-buildvcs=false -race -gcflags=github.com/wecomq/wecomq/...=-l")
	}
	b.cmd.Stdout, b.cmd.Stderr = &b.stdout, &b.stderr
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return b
}

// end waits for the end, which leaves nothing behind, and returns the exit code.
func (b *benchmark) end() int {
	b.Helper()
	err := b.cmd.Wait()
	if _, died := errors.AsType[*exec.ExitError](err); err != nil && !died {
		b.Fatal(err)
	}
	left, err := os.ReadDir(b.tmp)
	if err != nil || len(left) > 0 {
		b.Errorf("left behind: %v (%v)", left, err)
	}
	return b.cmd.ProcessState.ExitCode()
}

// await waits until the benchmark has written a file.
func (b *benchmark) await(pattern string) {
	b.Helper()
	waittest.Until(b.T, "there is "+pattern, func() bool {
		found, _ := filepath.Glob(b.tmp + pattern)
		return len(found) > 0
	})
}

func TestEveryWayIsMeasured(t *testing.T) {
	t.Parallel()
	b := newBenchmark(t, "-ways", "wecomq,asynq,reserve", "-workers", "1", "-calls-per-minute", "6000", "-backlog", "1000",
		"-alert-every", "50ms", "-duration", "600ms", "-warm-up", "100ms", "-grace", "500ms")
	if code := b.end(); code != exitDone {
		t.Fatalf("exit code %d: %s", code, &b.stderr)
	}
	rows := strings.Split(strings.TrimSpace(b.stdout.String()), "\n")
	for i, pattern := range []string{
		`^6000 calls a minute allowed, a backlog of 1000, 600ms measured; `,
		`^$`,
		`^\| way \| workers \| rate used \| most in 60 s \| 45009 \| dequeues per message \|`,
		`^\|---\|--:\|`,
		`^\| wecomq \| 1 \| \d+\.\d % \| [1-9]\d* \| 0 \| \d+\.\d\d \| \d+ ms \| \d+ ms \| (\d+) of (\d+) \| [1-9]\d* \| \d+ % \|$`,
		`^\| asynq \| 1 \| \d+\.\d % \| [1-9]\d* \| 0 \| .+ \| .+ \| .+ \| \d+ of \d+ \| [1-9]\d* \| \d+ % \|$`,
		`^\| reserve \| 1 \| \d+\.\d % \| [1-9]\d* \| 0 \| \d+\.\d\d \| \d+ ms \| \d+ ms \| (\d+) of (\d+) \| [1-9]\d* \| \d+ % \|$`,
	} {
		if i >= len(rows) || !regexp.MustCompile(pattern).MatchString(rows[i]) {
			t.Fatalf("line %d is not %s in\n%s", i+1, pattern, &b.stdout)
		}
	}
}

func TestAnInterruptEndsEverything(t *testing.T) {
	t.Parallel()
	b := newBenchmark(t, "-workers", "2", "-duration", "1h", "-backlog", "1000")
	b.await("/pacing-*/wecomq.yaml") // Redis and the simulator run, the workers start
	if err := b.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := b.end(); code != exitFailure || !strings.HasSuffix(b.stderr.String(), "pacing: interrupted\n") {
		t.Errorf("exit code %d: %s; want it to say that it was interrupted", code, &b.stderr)
	}
}
