package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// patience is a `wecomq send --wait` whose Redis becomes unavailable while it waits.
type patience struct {
	*landscape
	cmd            *exec.Cmd
	stdout, stderr logtest.Transcript
}

func newPatience(t *testing.T, timeout string) *patience {
	t.Helper()
	w := &patience{landscape: newLandscape(t, redistest.AppendOnly)}
	w.cmd = exec.CommandContext(t.Context(), "wecomq", "send", "--to-user", "chen.li", "--text", "x", "--wait", "--timeout", timeout)
	w.cmd.Env, w.cmd.Stdout, w.cmd.Stderr = w.environ(), &w.stdout, &w.stderr
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waittest.Until(t, "the message is enqueued", func() bool { return w.rdb.LLen(t.Context(), "asynq:{default:default}:pending").Val() == 1 })
	w.redis.Single().Kill()
	waittest.Until(t, "stderr tells of the outage", func() bool { return strings.Contains(w.stderr.String(), "Redis is unavailable") })
	return w
}

// end waits for the exit code.
func (w *patience) end(code int) {
	w.Helper()
	_ = w.cmd.Wait() // the code is checked below
	if got := w.cmd.ProcessState.ExitCode(); got != code || strings.Count(w.stderr.String(), "Redis is unavailable (") != 1 {
		w.Errorf("exit code %d, want %d; stderr %q", got, code, w.stderr.String())
	}
}

func TestSendWaitOutlastsAnOutageOfRedis(t *testing.T) {
	t.Parallel()
	w := newPatience(t, "60s")
	w.redis.Single().Restart()
	w.work()
	w.end(exitDone)
	if records := decodeLines[tasks.Record](t, w.stdout.String()); len(records) != 1 || records[0].State != tasks.Accepted {
		t.Errorf("it prints %+v, want a message that is accepted", records)
	}
}

func TestSendWaitPrintsNoRecordThatItHasNotSeen(t *testing.T) {
	t.Parallel()
	w := newPatience(t, "10s") // long enough to notice the outage on a slow machine
	w.end(exitTimeout)
	for line := range strings.Lines(w.stdout.String()) {
		if !strings.Contains(line, `"state":"queued"`) || !strings.Contains(line, `"app":"default"`) {
			t.Errorf("it prints %s", line)
		}
	}
	if w.stdout.String() == "" {
		t.Error("it prints nothing")
	}
}

func TestWithoutARecordTheReceiptIsPrinted(t *testing.T) {
	t.Parallel()
	var out logtest.Transcript
	w := &waiter{globals: &globals{environment: environment{stdout: &out}, output: "json"}}
	receipt := producer.Receipt{ID: "ops-1", App: "ops", Queue: "ops:bulk", State: tasks.Queued}
	if err := w.printOutcome(receipt, tasks.Record{ID: "ops-1"}); err != nil {
		t.Fatal(err)
	}
	if got := decodeLines[producer.Receipt](t, out.String()); len(got) != 1 || got[0] != receipt {
		t.Errorf("it prints %q, want the receipt", out.String())
	}
}
