package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/waittest"
)

// process is a `wecomq` that runs beside the test and ends with it.
type process struct {
	*testing.T
	cmd    *exec.Cmd
	stderr logtest.Transcript
	exited chan struct{}
}

// start runs the wecomq in PATH, which TestMain puts there.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return startProgram(t, env, "wecomq", args...)
}

func startProgram(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{T: t, cmd: exec.Command(program, args...), exited: make(chan struct{})} //nolint:noctx // cleanup kills it
	p.cmd.Env = env
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // exitCode reads it
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("stderr of %s %s:\n%s", filepath.Base(program), strings.Join(args, " "), &p.stderr)
		}
	})
	return p
}

// kill ends the process like a power cut, and does nothing to one that has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

func (p *process) signal(s os.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Fatal(err)
	}
}

// exitCode waits for the end; -1 means that a signal ended it.
func (p *process) exitCode() int {
	p.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(waittest.Patience):
		p.Fatalf("the process goes on after %s", waittest.Patience)
		return 0
	}
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// lines are the complete lines on stderr that contain text.
func (p *process) lines(text string) []string {
	whole := p.stderr.String()
	whole = whole[:strings.LastIndexByte(whole, '\n')+1]
	return slices.Collect(func(yield func(string) bool) {
		for line := range strings.Lines(whole) {
			if strings.Contains(line, text) && !yield(strings.TrimSuffix(line, "\n")) {
				return
			}
		}
	})
}

// awaitLine waits for a line on stderr that contains text.
func (p *process) awaitLine(text string) string {
	p.Helper()
	waittest.Until(p.T, "stderr says "+text, func() bool { return len(p.lines(text)) > 0 || p.hasExited() })
	lines := p.lines(text)
	if len(lines) == 0 {
		p.Fatalf("the process ended and did not say %q", text)
	}
	return lines[0]
}
