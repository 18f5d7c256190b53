package asynqx_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

func TestSizesCountWhatAsynqWrites(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	client := asynq.NewClientFromRedisClient(rdb)
	enqueue := func(opts ...asynq.Option) {
		t.Helper()
		if _, err := client.Enqueue(asynq.NewTask("x", nil), append(opts, asynq.Queue("ops:bulk"))...); err != nil {
			t.Fatal(err)
		}
	}
	enqueue()
	enqueue()
	enqueue(asynq.ProcessIn(time.Hour))
	if n, err := asynq.NewInspectorFromRedisClient(rdb).ArchiveAllPendingTasks("ops:bulk"); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	enqueue()
	got, err := asynqx.Sizes(t.Context(), rdb, "ops:bulk", "pending", "active", "scheduled", "retry", "archived", "completed")
	if diff := cmp.Diff([]int{1, 0, 1, 0, 2, 0}, got); diff != "" || err != nil {
		t.Errorf("%v, sizes (-want +got):\n%s", err, diff)
	}
}
