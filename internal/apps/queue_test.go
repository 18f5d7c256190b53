package apps_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

func TestQueuesTellWhatWaitsAndForHowLong(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	client := asynq.NewClientFromRedisClient(rdb)
	for _, opts := range [][]asynq.Option{
		{asynq.Queue("ops:critical")}, {asynq.Queue("ops:bulk")}, {asynq.Queue("ops:bulk")}, {asynq.Queue("ops:bulk"), asynq.ProcessIn(time.Hour)},
	} {
		if _, err := client.Enqueue(asynq.NewTask("x", nil), opts...); err != nil {
			t.Fatal(err)
		}
	}
	inspector := apps.New(rdb)
	inspector.Add(apps.App{Name: "ops", Limits: tasks.DefaultLimits()})
	status, err := inspector.Status(t.Context(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	got := status.Queues
	want := []apps.Queue{
		{Priority: tasks.Critical, Waiting: 1}, {Priority: tasks.Default}, {Priority: tasks.Bulk, Waiting: 2, Scheduled: 1},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(apps.Queue{}, "Oldest", "Waits")); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	if got[0].Oldest <= 0 || got[1].Oldest != 0 {
		t.Errorf("the oldest wait for %s and %s", got[0].Oldest, got[1].Oldest)
	}
}
