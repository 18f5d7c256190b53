package asynqx_test

import (
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

func TestWhatIsDueWaitsLikeWhatIsPending(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	look := func() asynqx.Waiting {
		t.Helper()
		w, err := asynqx.LookWaiting(t.Context(), rdb, "ops:default")
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := look(); w != (asynqx.Waiting{}) {
		t.Errorf("an empty queue: %+v", w)
	}
	enqueue(t, rdb, task("pending"), task("due", asynq.ProcessIn(time.Hour)), task("later", asynq.ProcessIn(time.Hour)))
	if w := look(); w.Scheduled != 0 || w.Oldest <= 0 || w.Oldest > time.Minute {
		t.Errorf("nothing is due: %+v", w)
	}
	hourAgo := redis.Z{Score: float64(rdb.Time(t.Context()).Val().Add(-time.Hour).Unix()), Member: "due"}
	if err := rdb.ZAdd(t.Context(), "asynq:{ops:default}:scheduled", hourAgo).Err(); err != nil {
		t.Fatal(err)
	}
	if w := look(); w.Scheduled != 1 || w.Oldest < time.Hour || w.Oldest > time.Hour+time.Minute {
		t.Errorf("one is due for an hour: %+v", w)
	}
	values, err := collect(t, asynqx.NewCollector(rdb))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"asynq_tasks_enqueued_total{ops:default,pending}":   2,
		"asynq_tasks_enqueued_total{ops:default,scheduled}": 1,
		"asynq_queue_size{ops:default}":                     3,
	} {
		if values[name] != want {
			t.Errorf("%s is %v, want %v", name, values[name], want)
		}
	}
}
