package main

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
	// startTimeout bounds the start of a process, on a busy machine.
	startTimeout = 30 * time.Second
	pollInterval = 5 * time.Millisecond
)

// process runs beside the benchmark and ends with it.
type process struct {
	name   string
	cmd    *exec.Cmd
	said   transcript
	exited chan struct{}
}

func startProcess(path string, stdin io.Reader, args ...string) (*process, error) {
	p := &process{
		name: strings.Join(append([]string{path}, args...), " "),
		cmd:  exec.Command(path, args...), //nolint:noctx,gosec // kill ends it, and it is the user's own program
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

// kill ends the process like a power cut: nothing of a trial is kept.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only when it has ended already
	<-p.exited
}

// alive says what a process that has ended left behind.
func (p *process) alive() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s has ended: %s", p.name, p.said.String())
	default:
		return nil
	}
}

// awaitLine waits for a line that contains text.
func (p *process) awaitLine(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("%s did not say %q in %s", p.name, text, startTimeout))
	defer cancel()
	for {
		if line, ok := p.said.line(text); ok {
			return line, nil
		}
		if err := p.alive(); err != nil {
			return "", err
		}
		if err := wait(ctx, pollInterval); err != nil {
			return "", err
		}
	}
}

// transcript is the first of what a process has written.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	room int // bytes; what comes beyond them is dropped
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
