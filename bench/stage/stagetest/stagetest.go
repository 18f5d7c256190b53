// Package stagetest runs a benchmark briefly in its own test.
package stagetest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/internal/waittest"
)

// Main is the TestMain of a benchmark. A copy of the test binary becomes the command `name` in PATH, because a
// benchmark starts itself.
func Main(m *testing.M, name string, main func()) {
	// The race detector delays the end of every process by a second.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	testscript.Main(m, map[string]func(){name: main})
}

// Run is a run of a benchmark.
type Run struct {
	Stdout, Stderr bytes.Buffer // once it has ended

	tb  testing.TB
	tmp string // for its temporary files
	cmd *exec.Cmd
}

// Start runs a benchmark, and skips the test where that is not possible.
func Start(tb testing.TB, name string, args ...string) *Run {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") == "" {
		tb.Skip("SKIPPED: this test needs redis-server; install it (apt-get install redis-server)")
	}
	tmp, err := os.MkdirTemp("", "") //nolint:usetesting // its name is too long for the path of a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(tmp) })
	r := &Run{tb: tb, tmp: tmp, cmd: exec.CommandContext(tb.Context(), name, args...)} //nolint:gosec // the benchmark itself
	r.cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	r.cmd.Stdout, r.cmd.Stderr = &r.Stdout, &r.Stderr
	if err := r.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	return r
}

// Each builds wecomq for the flag -wecomq, and runs parts of a test at the same time: linking takes seconds, so they
// share it.
func Each(t *testing.T, parts map[string]func(t *testing.T, wecomq string)) {
	t.Helper()
	path, err := stage.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range parts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part(t, path)
		})
	}
}

// End waits for the end, checks that no files are left, and returns the exit code.
func (r *Run) End() int {
	r.tb.Helper()
	err := r.cmd.Wait()
	if _, died := errors.AsType[*exec.ExitError](err); err != nil && !died {
		r.tb.Fatal(err)
	}
	left, err := os.ReadDir(r.tmp)
	if err != nil || len(left) > 0 {
		r.tb.Errorf("left behind: %v (%v)", left, err)
	}
	return r.cmd.ProcessState.ExitCode()
}

// WantLines compares the lines of the output with patterns.
func (r *Run) WantLines(patterns ...string) {
	r.tb.Helper()
	lines := strings.Split(strings.TrimSpace(r.Stdout.String()), "\n")
	for i, pattern := range patterns {
		if i >= len(lines) || !regexp.MustCompile(pattern).MatchString(lines[i]) {
			r.tb.Fatalf("line %d is not %s in\n%s", i+1, pattern, &r.Stdout)
		}
	}
}

// Interrupt sends Ctrl-C as soon as the benchmark has written a file.
func (r *Run) Interrupt(pattern string) {
	r.tb.Helper()
	waittest.Until(r.tb, "there is "+pattern, func() bool {
		found, _ := filepath.Glob(r.tmp + pattern)
		return len(found) > 0
	})
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		r.tb.Fatal(err)
	}
}
