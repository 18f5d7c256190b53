package asynqx_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
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
	calls := rdb.dequeues.Load() // once it is stopping, nothing rests any more
	stop()
	server.Shutdown()
	// Unrecognised, the dequeue loop alone would have made thousands of calls.
	if calls < 1 || calls > 20 {
		t.Errorf("%d dequeues in 300 ms of outage: asynq's dequeue is no longer recognised", calls)
	}
}

func TestTasksWhoseTimeHasComeGoFirstAndTheEarliestOfThemBefore(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	now := rdb.Time(t.Context()).Val()
	var want, waiting []string
	for i := range 1000 { // all due at one moment, and more than asynq forwards at once
		want = append(want, fmt.Sprintf("at-once-%04d", i))
	}
	for i := range 500 {
		want = append(want, fmt.Sprintf("a-second-later-%04d", i))
	}
	schedule := func(set string, at time.Time, ids []string) {
		t.Helper()
		batch := make([]asynqx.Task, len(ids))
		for i, id := range ids {
			batch[i] = task(id, asynq.ProcessIn(time.Hour))
			batch[i].Owed = true
		}
		enqueue(t, rdb, batch...)
		for _, id := range ids {
			rdb.ZRem(t.Context(), "asynq:{ops:default}:scheduled", id)
			rdb.ZAdd(t.Context(), "asynq:{ops:default}:"+set, redis.Z{Score: float64(at.Unix()), Member: id})
		}
	}
	schedule("scheduled", now.Add(-2*time.Second), want[:1000])
	schedule("retry", now.Add(-time.Second), want[1000:1250])
	schedule("scheduled", now.Add(-time.Second), want[1250:])
	for i := range 5 {
		waiting = append(waiting, fmt.Sprint("waits-", i))
		enqueue(t, rdb, task(waiting[i]))
	}
	want = append(want, waiting...)
	got := make(chan string, len(want))
	server := asynq.NewServerFromRedisClient(asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore), asynq.Config{
		Concurrency: 1, Queues: map[string]int{"ops:default": 1}, TaskCheckInterval: time.Millisecond,
		DelayedTaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	if err := server.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		got <- id
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	for i, id := range want {
		if next := <-got; next != id {
			t.Fatalf("task %d is %s, want %s", i, next, id)
		}
	}
}

func TestATaskThatIsNotDueYetWaits(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueue(t, rdb, task("later", asynq.ProcessIn(time.Hour)))
	client := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
	dequeue := []string{"asynq:{ops:default}:pending", "asynq:{ops:default}:paused", "asynq:{ops:default}:active", "asynq:{ops:default}:lease"}
	if err := client.EvalSha(t.Context(), "sha", dequeue).Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("the dequeue gives %v, want nothing", err)
	}
	if n := rdb.ZCard(t.Context(), "asynq:{ops:default}:scheduled").Val(); n != 1 {
		t.Errorf("%d scheduled tasks, want it to be there still", n)
	}
}

func TestAnAcknowledgementThatComesTooLateIsNotRepeated(t *testing.T) {
	t.Parallel()
	client := asynqx.NewWorkerClient(t.Context(), redistest.New(t), nil, ignore)
	const late = "return redis.error_reply('NOT FOUND')" // as asynq's scripts say it
	if err := client.Eval(t.Context(), late, []string{"task"}).Err(); err != nil {
		t.Errorf("Eval: %v", err)
	}
	sha := client.ScriptLoad(t.Context(), late).Val()
	if err := client.EvalSha(t.Context(), sha, []string{"task"}).Err(); err != nil {
		t.Errorf("EvalSha: %v", err)
	}
	if err := client.Eval(t.Context(), "return redis.error_reply('WRONG')", []string{"task"}).Err(); err == nil {
		t.Error("another error is gone as well")
	}
}

func TestWhoeverKeepsRecordsIsToldOfEachTaskThatIsGone(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	client := asynq.NewClientFromRedisClient(rdb)
	for _, id := range []string{"again", "done", "completed", "archived"} { // the last is served after the others
		options := []asynq.Option{asynq.TaskID(id), asynq.Queue("q")}
		if id == "completed" {
			options = append(options, asynq.Retention(time.Hour))
		}
		if _, err := client.EnqueueContext(t.Context(), asynq.NewTask(id, nil), options...); err != nil {
			t.Fatal(err)
		}
	}
	gone := make(chan string, 10)
	workers := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
	workers.OnGone = func(id string) { gone <- id }
	server := asynq.NewServerFromRedisClient(workers, asynq.Config{
		Concurrency: 1, Queues: map[string]int{"q": 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		switch task.Type() {
		case "again":
			return errors.New("not yet")
		case "archived":
			return asynq.SkipRetry
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	got := []string{<-gone, <-gone, <-gone}
	if want := []string{"done", "completed", "archived"}; !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}
}

func TestAHeartbeatRegistersTheQueues(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	client := asynqx.NewWorkerClient(t.Context(), rdb, []string{"ops:default", "ops:bulk"}, ignore)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{Queues: map[string]int{"ops:default": 2, "ops:bulk": 1}, LogLevel: asynq.FatalLevel})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	waittest.Until(t, "the queues are registered", func() bool { return rdb.SCard(t.Context(), "asynq:queues").Val() == 2 })
}

func TestAHeartbeatForgetsServersThatWereKilled(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	client := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
	for _, list := range []string{"asynq:servers", "asynq:workers"} {
		for name, since := range map[string]time.Duration{"killed": 2 * time.Hour, "behind": 50 * time.Minute} {
			rdb.ZAdd(t.Context(), list, redis.Z{Score: float64(time.Now().Add(-since).Unix()), Member: name})
		}
		client.ZAdd(t.Context(), list, redis.Z{Score: float64(time.Now().Add(10 * time.Second).Unix()), Member: "alive"})
		if got := rdb.ZRange(t.Context(), list, 0, -1).Val(); !slices.Equal(got, []string{"behind", "alive"}) {
			t.Errorf("%s lists %v, want those that may live", list, got)
		}
	}
}

func TestWhatIsNoted(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	var noted []bool // whether it was an outage
	client := asynqx.NewWorkerClient(t.Context(), rdb, nil, func(err error) { noted = append(noted, err != nil) })
	calls := func() {
		client.Eval(t.Context(), "return redis.call('INCR', KEYS[1])", []string{"n"})
		client.ZAdd(t.Context(), "asynq:servers", redis.Z{Member: "a"})
		client.ZAddXX(t.Context(), "asynq:{q}:lease", redis.Z{Member: "a"})
	}
	client.EvalSha(t.Context(), "unknown", []string{"n"})
	client.Eval(t.Context(), "nonsense", []string{"n"})
	calls()
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	calls()
	server.Kill()
	calls()
	// A full Redis extends leases.
	want := []bool{false, false, false, false, false, true, true, false, true, true, true}
	if !slices.Equal(noted, want) {
		t.Errorf("noted %v, want %v", noted, want)
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

func TestAServerTakesAsManyTasksAsItHasHandlersFor(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueue(t, rdb, task("a"), task("b"), task("c"), task("d"))
	stopping, stop := context.WithCancel(t.Context())
	defer stop()
	client := asynqx.NewWorkerClient(stopping, rdb, nil, ignore)
	client.Free = func() int { return 3 }
	keysOf := func(queue string) []string {
		prefix := "asynq:{ops:" + queue + "}:"
		return []string{prefix + "pending", prefix + "paused", prefix + "active", prefix + "lease"}
	}
	if err := client.EvalSha(t.Context(), "sha", keysOf("default")).Err(); err != nil {
		t.Fatal(err)
	}
	if active := rdb.LLen(t.Context(), keysOf("default")[2]).Val(); active != 3 {
		t.Errorf("%d tasks are active, want one for each handler", active)
	}
	leased := func() []redis.Z { return rdb.ZRangeWithScores(t.Context(), keysOf("default")[3], 0, -1).Val() }
	rdb.ZAdd(t.Context(), keysOf("default")[3], redis.Z{Member: "b"}, redis.Z{Member: "c"})
	client.ZAddXX(t.Context(), keysOf("default")[3], redis.Z{Member: "a"}) // the heartbeat
	for _, lease := range leased() {
		if lease.Score == 0 {
			t.Errorf("the lease of %v is not extended", lease.Member)
		}
	}
	// Another queue gets nothing while some wait for the handlers that are free.
	rdb.RPush(t.Context(), keysOf("bulk")[0], "nobody may look")
	if err := client.EvalSha(t.Context(), "sha", keysOf("bulk")).Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("bulk: %v, want nothing", err)
	}
	stop()
	if err := client.EvalSha(t.Context(), "sha", keysOf("default")).Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("once it stops: %v, want nothing", err)
	}
	client.GiveBack(t.Context())
	want := []string{"d", "c", "b"} // b is the next again
	if got := rdb.LRange(t.Context(), keysOf("default")[0], 0, -1).Val(); !slices.Equal(got, want) || len(leased()) != 1 {
		t.Errorf("pending %v, leases %v; want %v, and only that of a", got, leased(), want)
	}
}

// What asynq would end one by one is ended together, each with its result.
func TestTasksAreCompletedWithTheirResults(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	const tasks = 20
	client := asynq.NewClientFromRedisClient(rdb)
	for i := range tasks {
		options := []asynq.Option{asynq.TaskID(strconv.Itoa(i)), asynq.Queue("q"), asynq.Retention(time.Hour)}
		if _, err := client.EnqueueContext(t.Context(), asynq.NewTask("t", nil), options...); err != nil {
			t.Fatal(err)
		}
	}
	workers := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
	workers.Free = func() int { return tasks }
	server := asynq.NewServerFromRedisClient(workers, asynq.Config{
		Concurrency: tasks, Queues: map[string]int{"q": 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	all := make(chan struct{})
	var arrived atomic.Int32
	err := server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		if arrived.Add(1) == tasks {
			close(all)
		}
		<-all // they end at the same time
		id, _ := asynq.GetTaskID(ctx)
		_, err := task.ResultWriter().Write([]byte("result of " + id))
		if id == "0" {
			return asynq.SkipRetry
		}
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	waittest.Until(t, "all have ended", func() bool {
		info, err := inspector.GetQueueInfo("q")
		return err == nil && info.Completed == tasks-1 && info.Archived == 1 && info.Active == 0 && info.ProcessedTotal == tasks
	})
	for i := range tasks {
		info, err := inspector.GetTaskInfo("q", strconv.Itoa(i))
		if err != nil || string(info.Result) != "result of "+info.ID {
			t.Errorf("task %d: %+v, %v; want its result", i, info, err)
		}
	}
}
