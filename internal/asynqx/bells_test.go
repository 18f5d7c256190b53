package asynqx_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

// Whatever puts a task where a worker may take it tells so, and only once for many.
func TestEveryRoadIntoAQueueWakesIdleWorkers(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	sub := rdb.Subscribe(t.Context(), "asynq:wecomq:wake")
	t.Cleanup(func() { _ = sub.Close() })
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	const queue, base = "ops:default", "asynq:{ops:default}:"
	many := make([]asynqx.Task, 100)
	for i := range many {
		many[i] = task("many-" + time.Duration(i).String())
	}
	later := func(id string, in time.Duration) asynqx.Task {
		item := task(id)
		item.At = time.Now().Add(in)
		return item
	}
	for _, road := range []struct {
		name string
		take func()
		want int
	}{
		{"a hundred are enqueued", func() { enqueue(t, rdb, many...) }, 1},
		{"others wait already", func() { enqueue(t, rdb, task("one more")) }, 0},
		{"one is scheduled", func() { enqueue(t, rdb, later("later", time.Hour)) }, 1},
		{"one is scheduled for after it", func() { enqueue(t, rdb, later("after it", 2*time.Hour)) }, 0},
		{"one is scheduled for before it", func() { enqueue(t, rdb, later("before it", time.Minute)) }, 1},
		{"the pause ends", func() { _ = asynqx.Unpause(t.Context(), rdb, queue) }, 1},
		{"one is to go at once", func() {
			if done, err := asynqx.Hasten(t.Context(), rdb, asynqx.TaskRef{Queue: queue, ID: "later"}); !done {
				t.Error(err)
			}
		}, 1},
		{"a lost one is found", func() {
			rdb.LRem(t.Context(), base+"pending", 0, "one more")
			rdb.HSet(t.Context(), base+"t:one more", "state", "active")
			if done, err := asynqx.Requeue(t.Context(), rdb, asynqx.TaskRef{Queue: queue, ID: "one more"}); !done {
				t.Error(err)
			}
		}, 1},
		{"a server gives back what it has taken", func() {
			client := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
			client.Free = func() int { return 2 }
			client.EvalSha(t.Context(), "sha", []string{base + "pending", base + "paused", base + "active", base + "lease"})
			client.GiveBack(t.Context())
		}, 1},
	} {
		road.take()
		rdb.Publish(t.Context(), "asynq:wecomq:wake", "end of "+road.name)
		heard := 0
		for {
			said, err := sub.ReceiveMessage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if said.Payload != queue {
				break
			}
			heard++
		}
		if heard != road.want {
			t.Errorf("%s: workers are woken %d times, want %d", road.name, heard, road.want)
		}
	}
}

// counting counts the dequeues of a server.
type counting struct {
	redis.UniversalClient
	dequeues atomic.Int32
}

func (c *counting) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if strings.HasSuffix(keys[0], ":pending") {
		c.dequeues.Add(1)
	}
	return c.UniversalClient.EvalSha(ctx, sha, keys, args...)
}

// idleServer starts a server that waits for its bells.
func idleServer(t *testing.T, rdb redis.UniversalClient) (handled chan string) {
	t.Helper()
	bells := asynqx.NewBells(rdb, ignore)
	ctx, stop := context.WithCancel(context.Background())
	client := asynqx.NewWorkerClient(ctx, rdb, []string{"ops:default", "ops:bulk"}, ignore)
	client.WakeBy(bells)
	handled = make(chan string, 100)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency: 2, Queues: map[string]int{"ops:default": 2, "ops:bulk": 1}, StrictPriority: true, LogLevel: asynq.FatalLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return asynqx.RetryIn(time.Second) },
	})
	if err := server.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		if retried, _ := asynq.GetRetryCount(ctx); id == "twice" && retried == 0 {
			return context.Canceled
		}
		handled <- id
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		bells.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		server.Shutdown()
		<-ended
	})
	return handled
}

func TestAnIdleServerIsWokenAndDoesNotPoll(t *testing.T) {
	t.Parallel()
	rdb := &counting{UniversalClient: redistest.New(t)}
	handled := idleServer(t, rdb)
	inSeconds := task("in a second")
	inSeconds.At = time.Now().Add(time.Second)
	enqueue(t, rdb, task("at once"), inSeconds, task("twice"), task("bulk", asynq.Queue("ops:bulk")))
	var got []string
	for range 4 {
		got = append(got, <-handled)
	}
	slices.Sort(got)
	if want := []string{"at once", "bulk", "in a second", "twice"}; !slices.Equal(got, want) {
		t.Errorf("%v were handled, want %v", got, want)
	}
	// In the seconds that a retry takes a server that polls asks hundreds of times.
	if n := rdb.dequeues.Load(); n > 50 {
		t.Errorf("%d dequeues", n)
	}
}

// Plain asynq does not tell, and a Redis without rights to channels lets nobody hear.
func TestWhatNobodyTellsOfIsFoundAllTheSame(t *testing.T) {
	t.Parallel()
	for name, rights := range map[string]string{"nobody tells": "&*", "nobody may listen": "resetchannels"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, "user worker on >pw ~* "+rights+" +@all")
			rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Addr, Username: "worker", Password: "pw"})
			t.Cleanup(func() { _ = rdb.Close() })
			handled := idleServer(t, rdb)
			waittest.Until(t, "the server has looked", func() bool { return rdb.SCard(t.Context(), "asynq:queues").Val() == 2 })
			if name == "nobody tells" {
				client := asynq.NewClientFromRedisClient(rdb)
				if _, err := client.EnqueueContext(t.Context(), asynq.NewTask("t", nil), asynq.Queue("ops:default")); err != nil {
					t.Fatal(err)
				}
			} else {
				enqueue(t, rdb, task("a"))
			}
			<-handled
		})
	}
}
