package asynqx_test

import (
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

func TestSizeCountsWhatAsynqWrites(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	client := asynq.NewClientFromRedisClient(rdb)
	for _, opts := range [][]asynq.Option{
		{}, {}, {asynq.ProcessIn(time.Hour)},
	} {
		if _, err := client.Enqueue(asynq.NewTask("x", nil), append(opts, asynq.Queue("ops:bulk"))...); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := asynq.NewInspectorFromRedisClient(rdb).ArchiveAllPendingTasks("ops:bulk"); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for set, want := range map[string]int{"pending": 0, "active": 0, "scheduled": 1, "retry": 0, "archived": 2, "completed": 0} {
		if got, err := asynqx.Size(t.Context(), rdb, "ops:bulk", set); got != want || err != nil {
			t.Errorf("%d %s tasks, %v; want %d", got, set, err, want)
		}
	}
}
