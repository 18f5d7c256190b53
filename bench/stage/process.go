package stage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// startTimeout limits the start of a process, on a busy machine.
	startTimeout = 30 * time.Second
	// PollInterval is how often a benchmark checks for an event.
	PollInterval = 5 * time.Millisecond
)

// Process runs beside the benchmark and ends with it.
type Process struct {
	name   string
	cmd    *exec.Cmd
	said   transcript
	exited chan struct{}
}

// Start starts a program, which must be killed.
func Start(path string, stdin io.Reader, args ...string) (*Process, error) {
	p := &Process{
		name: strings.Join(append([]string{path}, args...), " "),
		cmd:  exec.Command(path, args...), //nolint:noctx,gosec // Kill ends it, and it is the user's own program
		said: transcript{room: 64 << 10}, exited: make(chan struct{}),
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, &p.said, &p.said
	p.cmd.SysProcAttr = beside()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // it ends by a signal
	}()
	return p, nil
}

// Kill ends the process like a power cut: nothing of a trial is kept.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails only if it has already ended
	<-p.exited
}

// Alive returns an error with the output of a process that has ended.
func (p *Process) Alive() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s has ended: %s", p.name, p.said.String())
	default:
		return nil
	}
}

// AwaitLine waits for a line that contains text.
func (p *Process) AwaitLine(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("%s did not say %q in %s", p.name, text, startTimeout))
	defer cancel()
	for {
		if line, ok := p.said.line(text); ok {
			return line, nil
		}
		if err := p.Alive(); err != nil {
			return "", err
		}
		if err := Wait(ctx, PollInterval); err != nil {
			return "", err
		}
	}
}

// AwaitEnd waits until the process has ended, and returns its output. meanwhile is called every 20 ms.
func (p *Process) AwaitEnd(ctx context.Context, meanwhile func()) (string, error) {
	const interval = 20 * time.Millisecond
	look := time.NewTicker(interval)
	defer look.Stop()
	for {
		select {
		case <-p.exited:
			if !p.cmd.ProcessState.Success() {
				return "", fmt.Errorf("%s: %s: %s", p.name, p.cmd.ProcessState, p.said.String())
			}
			return p.said.String(), nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-look.C:
			meanwhile()
		}
	}
}

// transcript is the beginning of a process's output.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	room int // bytes; the rest is dropped
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p[:min(len(p), max(0, t.room-t.text.Len()))])
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// line is the first whole line that contains text.
func (t *transcript) line(text string) (string, bool) {
	for line := range strings.Lines(t.String()) {
		if whole, ok := strings.CutSuffix(line, "\n"); ok && strings.Contains(line, text) {
			return whole, true
		}
	}
	return "", false
}

// Wait waits for d, unless ctx ends first.
func Wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// PID is its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }
