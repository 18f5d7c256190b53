package asynqx_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

func TestACancelledAcknowledgementIsSentAllTheSame(t *testing.T) {
	t.Parallel()
	client := asynqx.NewWorkerClient(t.Context(), redistest.New(t), nil, ignore)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Eval(cancelled, "return redis.call('SET', KEYS[1], 'done')", []string{"task"}).Err(); err != nil {
		t.Errorf("Eval: %v", err)
	}
	sha := client.ScriptLoad(t.Context(), "return redis.call('GET', KEYS[1])").Val()
	if got, err := client.EvalSha(cancelled, sha, []string{"task"}).Text(); err != nil || got != "done" {
		t.Errorf("EvalSha: %q, %v; want done", got, err)
	}
}

// down is a Redis that refuses every connection.
type down struct {
	redis.UniversalClient
	dequeues atomic.Int32
}

func (d *down) EvalSha(ctx context.Context, _ string, keys []string, _ ...any) *redis.Cmd {
	if strings.HasSuffix(keys[0], ":pending") {
		d.dequeues.Add(1)
	}
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(&net.OpError{Op: "dial", Err: errors.New("connection refused")})
	return cmd
}

func TestDequeuesRestWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stopping, stop := context.WithCancel(t.Context())
		defer stop()
		client := asynqx.NewWorkerClient(stopping, &down{}, nil, ignore)
		dequeue := []string{"asynq:{q}:pending", "asynq:{q}:paused", "asynq:{q}:active", "asynq:{q}:lease"}
		began := time.Now()
		for range 10 {
			client.EvalSha(t.Context(), "sha", dequeue)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("ten dequeues took %s, want 5s: asynq asks again at once", took)
		}
		began = time.Now()
		client.EvalSha(t.Context(), "sha", []string{"asynq:{q}:active", "asynq:{q}:lease"})
		stop()
		client.EvalSha(t.Context(), "sha", dequeue)
		if took := time.Since(began); took != 0 {
			t.Errorf("an acknowledgement and a dequeue while stopping waited %s, want 0", took)
		}
	})
}

func TestAsynqsDequeueHasTheKeysWeKnow(t *testing.T) {
	t.Parallel()
	rdb := &down{UniversalClient: redistest.New(t)}
	stopping, stop := context.WithCancel(t.Context())
	server := asynq.NewServerFromRedisClient(asynqx.NewWorkerClient(stopping, rdb, nil, ignore), asynq.Config{
		Concurrency: 1, Queues: map[string]int{"q": 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })); err != nil {
		t.Fatal(err)
	}
	<-time.After(300 * time.Millisecond)
	stop()
	server.Shutdown()
	// Unrecognised, the dequeue loop alone would have made thousands of calls.
	if calls := rdb.dequeues.Load(); calls < 1 || calls > 20 {
		t.Errorf("%d dequeues in 300 ms of outage: asynq's dequeue is no longer recognised", calls)
	}
}

func TestPauseForEndsByItself(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	if err := rdb.SAdd(t.Context(), "asynq:queues", "ops:bulk").Err(); err != nil {
		t.Fatal(err)
	}
	if left, err := asynqx.PauseLeft(t.Context(), rdb, "ops:bulk"); err != nil || left != 0 {
		t.Errorf("a queue that is not paused has %s left, error %v", left, err)
	}
	for _, d := range []time.Duration{time.Minute, time.Hour} { // the second finds the first, and leaves it
		if err := asynqx.PauseFor(t.Context(), rdb, "ops:bulk", d); err != nil {
			t.Fatal(err)
		}
	}
	info, err := asynq.NewInspectorFromRedisClient(rdb).GetQueueInfo("ops:bulk")
	if err != nil || !info.Paused {
		t.Errorf("info %+v, error %v; want the queue paused in asynq's eyes", info, err)
	}
	if left, err := asynqx.PauseLeft(t.Context(), rdb, "ops:bulk"); err != nil || left <= 0 || left > time.Minute {
		t.Errorf("the pause ends in %s, error %v; want a minute", left, err)
	}
	if err := asynqx.Pause(t.Context(), rdb, "ops:bulk"); err != nil {
		t.Fatal(err)
	}
	if left, err := asynqx.PauseLeft(t.Context(), rdb, "ops:bulk"); err != nil || left != asynqx.PausedByHand {
		t.Errorf("a pause by hand ends in %s, error %v", left, err)
	}
	if err := asynqx.Unpause(t.Context(), rdb, "ops:bulk"); err != nil {
		t.Fatal(err)
	}
	if info, err = asynq.NewInspectorFromRedisClient(rdb).GetQueueInfo("ops:bulk"); err != nil || info.Paused {
		t.Errorf("info %+v, error %v; want the queue to go on", info, err)
	}
}

func ignore(error) {}
