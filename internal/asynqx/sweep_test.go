package asynqx_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

// archive fills a queue's archive with tasks, one a second, the newest now.
func archive(t *testing.T, rdb redis.UniversalClient, n int) *asynq.Inspector {
	t.Helper()
	batch := make([]asynqx.Task, n)
	for i := range batch {
		batch[i] = task(fmt.Sprintf("t%05d", i))
	}
	for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, batch) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	for i := range n {
		if err := inspector.ArchiveTask("ops:default", fmt.Sprintf("t%05d", i)); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i-n) * time.Second)
		z := redis.Z{Score: float64(at.Unix()), Member: fmt.Sprintf("t%05d", i)}
		if err := rdb.ZAdd(t.Context(), "asynq:{ops:default}:archived", z).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return inspector
}

func TestTheArchiveIsKeptSmall(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		keep  int
		age   time.Duration
		swept int
	}{
		"below the bounds nothing goes":        {1000, time.Hour, 0},
		"the oldest go when there are more":    {100, time.Hour, 250},
		"those that are too old go in any way": {1000, 200 * time.Second, 150},
		"a hundred at a time, all of them":     {0, time.Hour, 350},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			inspector := archive(t, rdb, 350)
			swept, err := asynqx.SweepArchive(t.Context(), rdb, "ops:default", tc.keep, tc.age)
			if err != nil || swept < tc.swept-1 || swept > tc.swept+1 { // a second may pass
				t.Fatalf("swept %d, error %v; want %d", swept, err, tc.swept)
			}
			info, err := inspector.GetQueueInfo("ops:default")
			if err != nil || info.Archived != 350-swept {
				t.Errorf("%d are archived, error %v; want %d", info.Archived, err, 350-swept)
			}
			left, err := rdb.Keys(t.Context(), "asynq:{ops:default}:t:*").Result()
			if err != nil || len(left) != 350-swept {
				t.Errorf("%d tasks are in Redis, error %v; want %d", len(left), err, 350-swept)
			}
			if _, err := inspector.GetTaskInfo("ops:default", "t00349"); (err == nil) != (tc.keep > 0) {
				t.Errorf("the newest: %v", err)
			}
		})
	}
}
