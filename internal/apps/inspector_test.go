package apps_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// Before the first worker, and after FLUSHDB, Redis does not know the queues.
func TestBacklogOfQueuesThatNobodyHasMade(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	inspector := apps.New(rdb)
	inspector.Add(apps.App{Name: "ops", Limits: tasks.Limits{CallsPerMinute: 60}})
	for n := range 2 {
		s, err := inspector.Status(t.Context(), "ops")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(apps.Backlog{Default: n}, s.Backlog); diff != "" {
			t.Errorf("after %d messages (-want +got):\n%s", n, diff)
		}
		p, err := producer.New(rdb, producer.Config{App: "ops"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Send(t.Context(), message.SendTextRequest{
			SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, Text: message.TextField{Content: "x"},
		}, producer.Options{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestResumeEndsWhateverStopsAnApp(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	tokens := &forgiven{}
	inspector := apps.New(rdb)
	inspector.Add(apps.App{Name: "ops", Limits: tasks.DefaultLimits(), Tokens: tokens})
	state := func() apps.Status {
		t.Helper()
		s, err := inspector.Status(t.Context(), "ops")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := asynqx.Pause(t.Context(), rdb, "ops:bulk"); err != nil {
		t.Fatal(err)
	}
	if s := state(); s.State != pacing.Paused || s.Reason != "in the dashboard: bulk" {
		t.Errorf("with a queue that was paused in the dashboard: %+v", s)
	}
	pacer := pacing.New(rdb, pacing.Config{App: "ops"})
	suspension := tasks.Finding{Kind: tasks.Misconfigured, BlockedFor: time.Minute, Reason: "60020"}
	if _, err := pacer.Report(t.Context(), suspension); err != nil {
		t.Fatal(err)
	}
	if err := inspector.Pause(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	if err := inspector.Resume(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	if s := state(); s.State != pacing.Running || !tokens.called {
		t.Errorf("after resume: %+v, gettoken may be called again: %t", s, tokens.called)
	}
}

type forgiven struct{ called bool }

func (f *forgiven) Forgive(context.Context) error {
	f.called = true
	return nil
}
