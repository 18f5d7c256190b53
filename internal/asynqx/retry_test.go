package asynqx_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

// A wait begins by Redis's clock as it is then, though the worker does not know yet that it was
// set. It ends neither early, nor more than a second late, as asynq keeps whole ones.
func TestARetryWaitsByTheClockOfRedis(t *testing.T) {
	t.Parallel()
	server, clock := redistest.StartWithClock(t)
	rdb := server.Client()
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	for wait, ahead := range map[time.Duration]time.Duration{
		0: 9 * time.Minute, time.Millisecond: -9 * time.Minute, 1500*time.Millisecond + 1: time.Hour, 48 * time.Hour: -time.Hour,
	} {
		queue, began := "ops:"+wait.String(), make(chan time.Time, 1)
		enqueue(t, rdb, task("a", asynq.Queue(queue)))
		asked := asynq.NewServerFromRedisClient(asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore), asynq.Config{
			Concurrency: 1, Queues: map[string]int{queue: 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
			RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return asynqx.RetryIn(wait) },
		})
		if err := asked.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
			clock.Set(ahead)
			began <- rdb.Time(ctx).Val()
			return errors.Join(errors.New("failed"), asynqx.Pause(ctx, rdb, queue))
		})); err != nil {
			t.Fatal(err)
		}
		waittest.Until(t, "the task waits", func() bool { return rdb.ZCard(t.Context(), "asynq:{"+queue+"}:retry").Val() == 1 })
		asked.Shutdown()
		due := time.Unix(int64(rdb.ZScore(t.Context(), "asynq:{"+queue+"}:retry", "a").Val()), 0)
		first := (<-began).Add(wait)
		if last := rdb.Time(t.Context()).Val().Add(wait + time.Second); due.Before(first) || due.After(last) {
			t.Errorf("a wait of %s ends at %s by Redis, want %s to %s", wait, due, first, last)
		}
		info, err := inspector.GetTaskInfo(queue, "a")
		if err != nil || info.State != asynq.TaskStateRetry || info.Retried != 1 || info.LastErr != "failed" {
			t.Errorf("asynq knows it as %+v, %v", info, err)
		}
		if counted, err := inspector.GetQueueInfo(queue); err != nil || counted.Failed != 1 || counted.Processed != 1 || counted.FailedTotal != 1 {
			t.Errorf("asynq counts %+v, %v", counted, err)
		}
	}
}
