package submission

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/tasks"
)

func TestASlowPipeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	t.Cleanup(func() { _ = out.Close() })
	go func() {
		_, _ = io.WriteString(out, `{"touser":"a","msgtype":"text","text":{"content":"x"}}`+"\n")
	}()
	lines := newTerms(t).Lines(in, "stdin")
	b, err := lines.Batch(t.Context())
	if err != nil || b.Len() != 1 {
		t.Fatalf("batch %+v, error %v; want the one line that has come", b, err)
	}

	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := lines.Batch(interrupted); err == nil {
		t.Error("Ctrl-C waits for the pipe")
	}
}

func TestWhatCameBeforeAFaultIsSent(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	lines := newTerms(t).Lines(io.MultiReader(strings.NewReader("x\n"+hello+"\n"+hello[:20]), iotest.ErrReader(broken)), "test.ndjson")
	b, err := lines.Batch(t.Context())
	if err != nil || b.Len() != 1 || len(b.faults) != 1 || b.faults[0].Line != 1 {
		t.Fatalf("batch %+v, error %v; want the line at fault and the good one", b, err)
	}
	if b, err = lines.Batch(t.Context()); !errors.Is(err, broken) || len(b.items)+len(b.faults) > 0 {
		t.Errorf("batch %+v, error %v; want that the file cannot be read", b, err)
	}
}

// echo is a queue whose receipts name the users.
type echo struct {
	app   string
	calls *[]string
}

func (e echo) SendBatch(_ context.Context, messages []tasks.Message) []tasks.Result {
	*e.calls = append(*e.calls, e.app)
	results := make([]tasks.Result, len(messages))
	for i, m := range messages {
		results[i].Receipt.ID = e.app + " " + m.Request.Common().ToUser
		if m.Request.Common().ToUser == "refused" {
			results[i] = tasks.Result{Err: errors.New("refused")}
		}
	}
	return results
}

func TestTheLinesOfEachAppAreEnqueuedTogetherAndToldInTheirOrder(t *testing.T) {
	t.Parallel()
	var calls []string
	cfg := &config.Config{Apps: map[string]*config.App{"ops": {Name: "ops"}, "hr": {Name: "hr"}}}
	outlets, err := NewOutlets(cfg, "", func(app *config.App) (*Outlet, error) {
		return &Outlet{Queue: echo{app.Name, &calls}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	line := func(app, user string) string {
		return `{"app":"` + app + `","touser":"` + user + `","msgtype":"text","text":{"content":"x"}}` + "\n"
	}
	text := line("ops", "a") + "x\n" + line("hr", "b") + line("ops", "refused") + line("it", "c") + line("ops", "d")
	b, err := (&Terms{Outlets: outlets}).Lines(strings.NewReader(text), "test.ndjson").Batch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, o := range b.Enqueue(t.Context()) {
		if o.Line != i+1 {
			t.Errorf("outcome %d is of line %d", i+1, o.Line)
		}
		if o.Err != nil {
			o.Receipt.ID = "fault"
		}
		got = append(got, o.Receipt.ID)
	}
	if diff := cmp.Diff([]string{"ops a", "fault", "hr b", "fault", "fault", "ops d"}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	slices.Sort(calls)
	if diff := cmp.Diff([]string{"hr", "ops"}, calls); diff != "" {
		t.Errorf("calls of the queues (-want +got):\n%s", diff)
	}
}
