package asynqx_test

import (
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

// crowd makes a Redis full.
func crowd(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
}

func TestAFullRedisTakesOnlyWhatIsOwed(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	crowd(t, rdb)
	now := rdb.Time(t.Context()).Val()
	batch := []asynqx.Task{task("new"), task("owed"), task("owed-later")}
	batch[1].Owed, batch[2].Owed, batch[2].At = true, true, now
	for range 2 { // the second time it knows the scripts
		results := asynqx.BulkEnqueue(t.Context(), rdb, now, batch)
		if !asynqx.IsFull(results[0].Err) {
			t.Errorf("a new task: %v, want it refused", results[0].Err)
		}
		for _, owed := range results[1:] {
			if owed.Err != nil {
				t.Errorf("a task that is owed: %v", owed.Err)
			}
		}
		rdb.FlushAll(t.Context())
	}
}

// It stores nothing, but a repeated task is still known as one.
func TestAFullRedisKnowsTheTasksThatItHas(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	enqueue(t, rdb, task("known"))
	crowd(t, rdb)
	results := asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), []asynqx.Task{task("new"), task("known"), task("newer")})
	if !asynqx.IsFull(results[0].Err) || !errors.Is(results[1].Err, asynq.ErrTaskIDConflict) || !asynqx.IsFull(results[2].Err) {
		t.Errorf("%v, %v, %v", results[0].Err, results[1].Err, results[2].Err)
	}
}

func TestAFullRedisHandsOutTasksAndExtendsLeases(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	client := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
	enqueue(t, rdb, task("a"), task("b", asynq.ProcessIn(1)))
	crowd(t, rdb)
	dequeue := []string{"asynq:{ops:default}:pending", "asynq:{ops:default}:paused", "asynq:{ops:default}:active", "asynq:{ops:default}:lease"}
	for range 2 {
		if err := client.EvalSha(t.Context(), "sha", dequeue).Err(); err != nil {
			t.Error(err)
		}
	}
	if err := client.ZAddXX(t.Context(), dequeue[3], redis.Z{Member: "a"}).Err(); err != nil {
		t.Error(err)
	}
	if err := asynqx.PauseFor(t.Context(), rdb, "ops:default", time.Second); err != nil {
		t.Error(err)
	}
}
