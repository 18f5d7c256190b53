package asynqx_test

import (
	"context"
	"errors"
	"strings"
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
	look := func() asynqx.Queue {
		t.Helper()
		looked, err := asynqx.Look(t.Context(), rdb, "ops:default")
		if err != nil {
			t.Fatal(err)
		}
		return looked[0]
	}
	if q := look(); q.Pending+q.Scheduled+q.Retry+q.Active != 0 || q.Oldest() != 0 || q.PauseLeft != 0 {
		t.Errorf("an empty queue: %+v", q)
	}
	enqueue(t, rdb, task("pending"), task("due", asynq.ProcessIn(time.Hour)), task("later", asynq.ProcessIn(time.Hour)))
	if q := look(); q.Pending != 1 || q.Scheduled != 2 || q.Oldest() <= 0 || q.Oldest() > time.Minute {
		t.Errorf("nothing is due: %+v", q)
	}
	hourAgo := redis.Z{Score: float64(rdb.Time(t.Context()).Val().Add(-time.Hour).Unix()), Member: "due"}
	if err := rdb.ZAdd(t.Context(), "asynq:{ops:default}:scheduled", hourAgo).Err(); err != nil {
		t.Fatal(err)
	}
	if q := look(); q.Pending != 2 || q.Scheduled != 1 || q.Oldest() < time.Hour || q.Oldest() > time.Hour+time.Minute {
		t.Errorf("one is due for an hour: %+v", q)
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

// What is tried again and again waits since it was enqueued, also while it is being tried, and the
// queue knows which limit holds it.
func TestATaskThatIsPutBackWaitsSinceItWasEnqueued(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueued := time.Now().Add(-36 * time.Minute)
	for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, enqueued, []asynqx.Task{task("held"), task("failed")}) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	look := func() asynqx.Queue {
		t.Helper()
		looked, err := asynqx.Look(t.Context(), rdb, "ops:none", "ops:default")
		if err != nil {
			t.Fatal(err)
		}
		return looked[1]
	}
	for range 2 { // the second time it has waited before
		trying, done := make(chan struct{}, 2), make(chan struct{})
		server := asynq.NewServerFromRedisClient(asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore), asynq.Config{
			Concurrency: 2, Queues: map[string]int{"ops:default": 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
			RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return asynqx.RetryIn(time.Hour) },
		})
		if err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
			trying <- struct{}{}
			<-done
			if strings.Contains(string(task.Payload()), "held") {
				return &asynqx.HoldError{Limit: "member"}
			}
			return errors.New("waits for its turn")
		})); err != nil {
			t.Fatal(err)
		}
		<-trying
		<-trying
		if q := look(); q.Active != 2 || q.Oldest() < 36*time.Minute {
			t.Errorf("while they are tried: %+v", q)
		}
		close(done)
		server.Shutdown()
		q := look()
		due := time.Until(q.Waits["member"].Last)
		if q.Retry != 2 || q.Waits["member"].Tasks != 1 || q.Waits[""].Tasks != 1 || due < 59*time.Minute || due > time.Hour+time.Minute {
			t.Errorf("once they are put back: %+v", q)
		}
		for limit, wait := range q.Waits {
			if wait.Oldest < 36*time.Minute || wait.Oldest > 37*time.Minute {
				t.Errorf("held by %q, the oldest waits for %s, want 36 min", limit, wait.Oldest)
			}
		}
		for _, id := range []string{"held", "failed"} {
			if _, err := asynqx.Hasten(t.Context(), rdb, asynqx.TaskRef{Queue: "ops:default", ID: id}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
