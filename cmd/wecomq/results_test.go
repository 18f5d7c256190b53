package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/sequence"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
)

// follower is a `wecomq results --follow` whose lines come one by one.
type follower struct {
	*testing.T
	cmd    *exec.Cmd
	stderr logtest.Transcript
	lines  chan string
}

func (l *landscape) follow(args ...string) *follower {
	l.Helper()
	f := &follower{T: l.T, lines: make(chan string, 100)}
	f.cmd = exec.CommandContext(l.Context(), "wecomq", append([]string{"results", "--follow"}, args...)...)
	f.cmd.Env, f.cmd.Stderr = l.environ(), io.MultiWriter(os.Stderr, &f.stderr)
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		l.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		l.Fatal(err)
	}
	go func() {
		defer close(f.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			f.lines <- scanner.Text()
		}
	}()
	return f
}

// next returns the next line, or fails the test.
func (f *follower) next() string {
	f.Helper()
	select {
	case line := <-f.lines:
		return line
	case <-time.After(waittest.Patience):
		f.Fatal("no line came")
		return ""
	}
}

func TestResultsFollowTellsOfEachMessageThatEnds(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.work()
	first := l.awaitState(l.sendTexts(3), tasks.Accepted)
	past := l.follow("--since", "1h", "--format", "ndjson")
	for range first {
		if line := past.next(); !strings.Contains(line, `"state":"accepted"`) {
			t.Errorf("the past is told as %s", line)
		}
	}
	now := l.follow()
	if line := now.next(); !strings.HasPrefix(line, "TIME ") {
		t.Errorf("the table begins with %s", line)
	}
	// The heading comes before the wait begins, so messages end until one is printed.
	told := make(chan string, 1)
	go func() { told <- now.next() }()
	line := ""
	for line == "" {
		select {
		case line = <-told:
		default:
			l.awaitState(l.sendTexts(1), tasks.Accepted)
			past.next()
		}
	}
	if !strings.Contains(line, "accepted") {
		t.Errorf("the next message is told as %s", line)
	}
	for _, f := range []*follower{past, now} {
		if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		for range f.lines {
		}
		if err := f.cmd.Wait(); err != nil {
			t.Errorf("Ctrl-C ends it with %v, want exit code 0", err)
		}
	}
}

func TestResultsFollowOutlastsAnOutageOfRedis(t *testing.T) {
	t.Parallel()
	l := newLandscape(t, redistest.AppendOnly)
	l.work()
	f := l.follow("--since", "1h", "--format", "ndjson")
	for range 2 {
		id := l.sendTexts(1)[0]
		if line := f.next(); !strings.Contains(line, id) {
			t.Errorf("%s is told as %s", id, line)
		}
	}
	l.redis.Single().Kill()
	waittest.Until(t, "stderr tells of the outage", func() bool { return strings.Contains(f.stderr.String(), "Redis is unavailable") })
	<-time.After(3 * sequence.OutagePause) // it tries more than once
	l.redis.Single().Restart()
	id := l.sendTexts(1)[0]
	if line := f.next(); !strings.Contains(line, id) {
		t.Errorf("after the outage %s is told as %s", id, line)
	}
	if told := strings.Count(f.stderr.String(), "Redis is unavailable"); told != 1 {
		t.Errorf("the outage is told of %d times, want once", told)
	}
}
