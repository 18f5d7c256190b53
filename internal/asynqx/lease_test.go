package asynqx_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

// Whatever the clock of Redis does, only a task whose worker has died comes back.
func TestOnlyTheTasksOfDeadWorkersComeBack(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{
		"Redis's clock is set an hour ahead": time.Hour, "Redis's clock is set back an hour": -time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, clock := redistest.StartWithClock(t)
			rdb := server.Client()
			client := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
			enqueue(t, rdb, task("living"), task("dead"))
			for range 2 {
				dequeue := []string{"asynq:{ops:default}:pending", "asynq:{ops:default}:paused", "asynq:{ops:default}:active", leases}
				if err := client.EvalSha(t.Context(), "sha", dequeue).Err(); err != nil {
					t.Fatal(err)
				}
			}
			clock.Set(ahead)
			looked := make(chan []string, 1)
			go func() {
				found, _ := client.EvalSha(context.Background(), "sha", []string{leases}).StringSlice()
				looked <- found
			}()
			ticker := time.NewTicker(100 * time.Millisecond) // the heartbeat of the living one
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					client.ZAddXX(t.Context(), leases, redis.Z{Member: "living"})
					continue
				case found := <-looked:
					want := rdb.HGet(t.Context(), "asynq:{ops:default}:t:dead", "msg").Val()
					if !slices.Equal(found, []string{want}) {
						t.Errorf("%d tasks come back, want that of the dead worker", len(found))
					}
				}
				return
			}
		})
	}
}

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
