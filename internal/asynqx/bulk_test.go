package asynqx_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
)

func task(id string, opts ...asynq.Option) asynqx.Task {
	opts = append([]asynq.Option{asynq.TaskID(id), asynq.Queue("ops:default")}, opts...)
	return asynqx.Task{Task: asynq.NewTask("message:text", []byte(`{"id":"`+id+`"}`)), Opts: opts}
}

func TestBulkEnqueueWritesWhatAsynqWrites(t *testing.T) {
	t.Parallel()
	future := time.Now().Add(time.Hour)
	for name, opts := range map[string][]asynq.Option{
		"pending":   {asynq.Retention(time.Hour), asynq.MaxRetry(7), asynq.Timeout(time.Minute)},
		"scheduled": {asynq.ProcessAt(future)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, bulk := redistest.New(t), redistest.New(t)
			item := task("a", opts...)
			if _, err := asynq.NewClientFromRedisClient(one).Enqueue(item.Task, item.Opts...); err != nil {
				t.Fatal(err)
			}
			result := asynqx.BulkEnqueue(t.Context(), bulk, time.Now(), []asynqx.Task{item})[0]
			if result.Err != nil {
				t.Fatal(result.Err)
			}
			want, err := asynq.NewInspectorFromRedisClient(one).GetTaskInfo("ops:default", "a")
			if err != nil {
				t.Fatal(err)
			}
			got, err := asynq.NewInspectorFromRedisClient(bulk).GetTaskInfo("ops:default", "a")
			if err != nil {
				t.Fatal(err)
			}
			ignoreNow := cmpopts.IgnoreFields(asynq.TaskInfo{}, "NextProcessAt")
			if diff := cmp.Diff(want, got, ignoreNow); diff != "" {
				t.Errorf("the task differs from asynq's own (-asynq +bulk):\n%s", diff)
			}
			if diff := cmp.Diff(got, result.Info, ignoreNow); diff != "" {
				t.Errorf("the result differs from what is stored (-stored +result):\n%s", diff)
			}
		})
	}
}

func TestEveryTaskHasItsOwnResult(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	if result := asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), []asynqx.Task{task("taken")})[0]; result.Err != nil {
		t.Fatal(result.Err)
	}
	// A key of the wrong type makes Redis refuse one task.
	if err := rdb.Set(t.Context(), "asynq:{broken}:pending", "not a list", 0).Err(); err != nil {
		t.Fatal(err)
	}
	noType := asynqx.Task{Task: asynq.NewTask("", nil), Opts: []asynq.Option{asynq.TaskID("x")}}
	results := asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), []asynqx.Task{
		task("first"), task("taken"), noType, task("refused", asynq.Queue("broken")), task("last"),
	})
	var redisError *asynqx.RedisError
	for i, check := range []func(error) bool{
		func(err error) bool { return err == nil },
		func(err error) bool { return errors.Is(err, asynq.ErrTaskIDConflict) },
		func(err error) bool { return err != nil && !errors.As(err, &redisError) },
		func(err error) bool { return errors.As(err, &redisError) },
		func(err error) bool { return err == nil },
	} {
		if !check(results[i].Err) {
			t.Errorf("task %d: unexpected error %v", i, results[i].Err)
		}
		if (results[i].Err == nil) != (results[i].Info != nil) {
			t.Errorf("task %d: info %v with error %v", i, results[i].Info, results[i].Err)
		}
	}
	if n := rdb.LLen(t.Context(), "asynq:{ops:default}:pending").Val(); n != 3 {
		t.Errorf("%d tasks are pending, want 3", n)
	}
}

// One script enqueues many tasks, and several are needed: for two queues, and for tasks that are many or large.
func TestManyTasksKeepTheirOrderAndTheirResults(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	var batch []asynqx.Task
	want := map[string][]string{}
	for i := range 300 {
		id, queue := fmt.Sprintf("t%03d", i), []string{"ops:default", "ops:bulk"}[i%2]
		if i%10 == 9 {
			id = "t001" // which is in ops:bulk already
		} else {
			want[queue] = append(want[queue], id)
		}
		task := task(id, asynq.Queue(queue))
		if i%7 == 0 && i < 50 {
			task.Task = asynq.NewTask("message:text", bytes.Repeat([]byte("x"), 100<<10))
		}
		batch = append(batch, task)
	}
	for i, result := range asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), batch) {
		if repeated := i%10 == 9; repeated != errors.Is(result.Err, asynq.ErrTaskIDConflict) || !repeated && result.Err != nil {
			t.Errorf("task %d: %v", i, result.Err)
		}
	}
	for queue, ids := range want {
		pending := rdb.LRange(t.Context(), "asynq:{"+queue+"}:pending", 0, -1).Val()
		slices.Reverse(pending) // it is taken from the right
		if diff := cmp.Diff(ids, pending); diff != "" {
			t.Errorf("%s (-want +got):\n%s", queue, diff)
		}
	}
}

// The first of two tasks with the same id wins, though one is due at once and the other is scheduled.
func TestTheFirstOfABatchWins(t *testing.T) {
	t.Parallel()
	for name, later := range map[string][2]bool{"now, later": {false, true}, "later, now": {true, false}} {
		rdb := redistest.New(t)
		at := func(id string, later bool) asynqx.Task {
			if later {
				return task(id, asynq.ProcessIn(time.Hour))
			}
			return task(id)
		}
		results := asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), []asynqx.Task{
			at("other", later[1]), at("same", later[0]), at("same", later[1]),
		})
		if results[0].Err != nil || results[1].Err != nil || !errors.Is(results[2].Err, asynq.ErrTaskIDConflict) {
			t.Errorf("%s: %v, %v, %v", name, results[0].Err, results[1].Err, results[2].Err)
		}
	}
}

func TestAnErrorOfOneTaskIsItsOwn(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	// Behind many tasks the sender of the next one is noted.
	if err := rdb.Set(t.Context(), keys.Senders("ops:default"), "not a hash", 0).Err(); err != nil {
		t.Fatal(err)
	}
	var batch []asynqx.Task
	for i := range 12 {
		batch = append(batch, task(strconv.Itoa(i)))
	}
	for i, result := range asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), batch) {
		var refused *asynqx.RedisError
		if noted := i >= 8; noted != errors.As(result.Err, &refused) || noted && !strings.Contains(result.Err.Error(), "WRONGTYPE") {
			t.Errorf("task %d: %v", i, result.Err)
		}
	}
}

func TestAsynqsOptionsThatAreNotSupportedAreRefused(t *testing.T) {
	t.Parallel()
	result := asynqx.BulkEnqueue(t.Context(), redistest.New(t), time.Now(), []asynqx.Task{task("a", asynq.Unique(time.Minute))})[0]
	if result.Err == nil || !strings.Contains(result.Err.Error(), "Unique and Group are not supported") {
		t.Error(result.Err)
	}
}

func TestScriptsThatTheServerForgotAreTaughtAgain(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	for round := range 3 {
		if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		var batch []asynqx.Task
		for i := range 100 {
			batch = append(batch, task(fmt.Sprintf("now-%d-%d", round, i)))
		}
		batch = append(batch, task(fmt.Sprintf("later-%d", round), asynq.ProcessIn(time.Hour)))
		for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), batch) {
			if result.Err != nil {
				t.Errorf("round %d: %v", round, result.Err)
			}
		}
	}
}

func TestAQueueThatWasMadeInvisibleComesBack(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	for _, id := range []string{"a", "b"} {
		if result := asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), []asynqx.Task{task(id)})[0]; result.Err != nil {
			t.Fatal(result.Err)
		}
		if visible := rdb.SIsMember(t.Context(), "asynq:queues", "ops:default").Val(); !visible {
			t.Error("the queue is invisible")
		}
		redistest.Flush(t, rdb)
	}
}

func TestRedisAwayIsARedisErrorForEveryTask(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	server.Kill()
	for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), []asynqx.Task{task("a"), task("b")}) {
		if _, ok := errors.AsType[*asynqx.RedisError](result.Err); !ok {
			t.Errorf("error %v, want a RedisError", result.Err)
		}
	}
}

func TestAnEmptyBatchSendsNothing(t *testing.T) {
	t.Parallel()
	if results := asynqx.BulkEnqueue(t.Context(), nil, time.Now(), nil); len(results) != 0 {
		t.Errorf("%d results, want none", len(results))
	}
}

func BenchmarkBulkEnqueue(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			rdb := redistest.New(b)
			batch := make([]asynqx.Task, size)
			n := 0
			for b.Loop() {
				for i := range batch {
					n++
					batch[i] = task(fmt.Sprint("ops-", n))
				}
				for _, result := range asynqx.BulkEnqueue(b.Context(), rdb, time.Now(), batch) {
					if result.Err != nil {
						b.Fatal(result.Err)
					}
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}
