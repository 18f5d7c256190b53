package asynqx_test

import (
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

// A producer whose clock is ahead would enqueue at once what is due in a minute.
func TestATaskIsScheduledByTheClockOfRedis(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	item := task("a")
	item.At = past.Add(time.Minute)
	for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, past, []asynqx.Task{item, task("b")}) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	score, err := rdb.ZScore(t.Context(), "asynq:{ops:default}:scheduled", "a").Result()
	if err != nil || int64(score) != item.At.Unix() {
		t.Errorf("it is due at %v, %v; want %d", score, err, item.At.Unix())
	}
	since, err := rdb.HGet(t.Context(), "asynq:{ops:default}:t:b", "pending_since").Int64()
	if err != nil || since != past.UnixNano() {
		t.Errorf("the other is pending since %d, %v; want %d", since, err, past.UnixNano())
	}
	if _, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo("ops:default", "a"); errors.Is(err, asynq.ErrTaskNotFound) {
		t.Error("asynq does not know it")
	}
}
