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

const (
	mark    = "[attempt 1]"
	forever = 1000 * time.Hour
)

// archive fills a queue's archive with tasks, one an hour, the newest an hour ago.
// Every seventh has no mark.
func archive(t *testing.T, rdb redis.UniversalClient, n int) *asynq.Inspector {
	t.Helper()
	batch := make([]asynqx.Task, n)
	for i := range batch {
		payload := []byte(mark)
		if i%7 == 0 {
			payload = nil
		}
		batch[i] = asynqx.Task{
			Task: asynq.NewTask("message:text", payload), Opts: []asynq.Option{asynq.TaskID(fmt.Sprintf("t%05d", i)), asynq.Queue("ops:default")},
		}
	}
	for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), batch) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	now := time.Now()
	for i := range n {
		if err := inspector.ArchiveTask("ops:default", fmt.Sprintf("t%05d", i)); err != nil {
			t.Fatal(err)
		}
		at := now.Add(time.Duration(i-n) * time.Hour)
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
		sweep asynqx.Sweep
		swept int
	}{
		"below the bounds nothing goes":               {asynqx.Sweep{MaxTasks: 1000, MaxAge: forever, Mark: mark}, 0},
		"the oldest go when there are more":           {asynqx.Sweep{MaxTasks: 70, MaxAge: forever, Mark: mark}, 240},
		"those that are too old go in any way":        {asynqx.Sweep{MaxTasks: 1000, MaxAge: 210*time.Hour + 30*time.Minute, Mark: mark}, 120},
		"all that have the mark, a hundred at a time": {asynqx.Sweep{MaxTasks: 0, MaxAge: forever, Mark: mark}, 300},
		"those without the mark stay":                 {asynqx.Sweep{MaxTasks: 0, Mark: "[attempt 2]"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const all = 350
			rdb := redistest.New(t)
			inspector := archive(t, rdb, all)
			swept, err := asynqx.SweepArchive(t.Context(), rdb, "ops:default", tc.sweep)
			if err != nil || swept != tc.swept {
				t.Fatalf("swept %d, error %v; want %d", swept, err, tc.swept)
			}
			info, err := inspector.GetQueueInfo("ops:default")
			if err != nil || info.Archived != all-swept {
				t.Errorf("%d are archived, error %v; want %d", info.Archived, err, all-swept)
			}
			if left := redistest.Keys(t, rdb, "asynq:{ops:default}:t:*"); len(left) != all-swept {
				t.Errorf("%d tasks are in Redis, want %d", len(left), all-swept)
			}
			if _, err := inspector.GetTaskInfo("ops:default", "t00000"); err != nil {
				t.Errorf("the oldest, which has no mark: %v", err)
			}
			if _, err := inspector.GetTaskInfo("ops:default", "t00349"); (err == nil) != (swept < 300) {
				t.Errorf("the newest: %v", err)
			}
		})
	}
}

func TestWhatAsynqWouldDeleteGoesWithoutAMark(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	archive(t, rdb, 8)
	for id, age := range map[string]time.Duration{"t00000": 86 * 24 * time.Hour, "t00007": 84 * 24 * time.Hour} { // neither has a mark
		z := redis.Z{Score: float64(time.Now().Add(-age).Unix()), Member: id}
		if err := rdb.ZAdd(t.Context(), "asynq:{ops:default}:archived", z).Err(); err != nil {
			t.Fatal(err)
		}
	}
	swept, err := asynqx.SweepArchive(t.Context(), rdb, "ops:default", asynqx.Sweep{MaxTasks: 1000, MaxAge: forever, Mark: mark})
	if err != nil || swept != 1 {
		t.Errorf("swept %d, error %v; want the one of 86 days", swept, err)
	}
}
