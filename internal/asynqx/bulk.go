package asynqx

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Task is one task of a bulk enqueue with its options.
type Task struct {
	Task *asynq.Task
	Opts []asynq.Option
	// At is when it is due, by the clock of Redis and in whole seconds; zero for at once.
	At time.Time
	// Replaces lets the task take the id of a finished one that asynq only keeps for the dashboard.
	Replaces bool
	// Sender is the sender: while many tasks wait, those of one sender do not hold up others. Unknown senders
	// share "".
	Sender string
	// Owed admits the task to a full Redis, and puts it before others when it is due: it is part of a message
	// that is already in the queue.
	Owed bool
}

// Result is the result of one [Task]: Info or Err is set.
//
// Err is asynq.ErrTaskIDConflict if a task with this id is already in the queue, in any state; *[RedisError]
// if Redis did not confirm it; any other error means that asynq rejected the task itself.
type Result struct {
	Info *asynq.TaskInfo
	Err  error
}

// RedisError is an enqueue that Redis did not confirm: a retry may help.
type RedisError struct{ Err error }

// Error includes the text of Redis's error.
func (e *RedisError) Error() string {
	if IsFull(e.Err) {
		return "redis is full: raise maxmemory, or try again when workers have freed memory (" + e.Err.Error() + ")"
	}
	return "redis: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *RedisError) Unwrap() error { return e.Err }

// BulkEnqueue enqueues all tasks in one round trip, each atomically and with its own result; the results are
// in the order of the tasks. Give every task a TaskID: if the connection breaks, go-redis sends everything
// again, and only the id shows that a task is already in the queue. now is the time by the clock of Redis.
//
// If tasks conflict with finished ones that they may replace, it takes two more round trips.
func BulkEnqueue(ctx context.Context, rdb redis.UniversalClient, now time.Time, tasks []Task) []Result {
	results, met := enqueue(ctx, rdb, now, tasks)
	replaced := dropEnded(ctx, rdb, met)
	if len(replaced) == 0 {
		return results
	}
	again := make([]Task, len(replaced))
	for i, n := range replaced {
		again[i] = tasks[n]
	}
	retried, _ := enqueue(ctx, rdb, now, again)
	for i, n := range replaced {
		results[n] = retried[i]
	}
	return results
}

// met is a task already in the queue that another one may replace.
type met struct {
	by  int // index of the other one
	key string
}

// enqueue enqueues tasks in one round trip.
func enqueue(ctx context.Context, rdb redis.UniversalClient, now time.Time, tasks []Task) ([]Result, []met) {
	results := make([]Result, len(tasks))
	rec := newRecorder(rdb)
	client := asynq.NewClientFromRedisClient(rec)
	owners := make([]int, 0, len(tasks)) // owners[i] is the task of rec.calls[i]
	for i, t := range tasks {
		before := len(rec.calls)
		results[i].Info, results[i].Err = client.EnqueueContext(ctx, t.Task, t.options()...)
		if recorded := len(rec.calls) - before; results[i].Err == nil && recorded != 1 {
			results[i].Err = fmt.Errorf("asynq made %d script calls for one task, want 1: its version changed", recorded)
		}
		for n := before; n < len(rec.calls); n++ {
			rec.calls[n].complete(t, now)
			owners = append(owners, i)
		}
	}
	var conflicts []met
	for i, err := range rec.flush(ctx) {
		if err == nil {
			continue
		}
		results[owners[i]] = Result{Err: err}
		if tasks[owners[i]].Replaces && errors.Is(err, asynq.ErrTaskIDConflict) {
			conflicts = append(conflicts, met{owners[i], rec.calls[i].task})
		}
	}
	return results, conflicts
}

//go:embed drop_ended.lua
var dropEndedSource string

// dropEnded deletes the finished ones of the tasks, and returns the indices of the tasks that conflicted with
// them. If the deletion fails, the conflict remains.
func dropEnded(ctx context.Context, rdb redis.UniversalClient, conflicts []met) (replaced []int) {
	if len(conflicts) == 0 {
		return nil
	}
	dropped := make([]*redis.Cmd, len(conflicts))
	_, _ = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range conflicts {
			queue := queueOf(c.key)
			dropped[i] = p.Eval(ctx, dropEndedSource, []string{c.key, queueKey(queue, "completed"), queueKey(queue, "archived")},
				strings.TrimPrefix(c.key, queueKey(queue, "t:")))
		}
		return nil
	})
	for i, c := range conflicts {
		if gone, _ := dropped[i].Bool(); gone {
			replaced = append(replaced, c.by)
		}
	}
	return replaced
}

// options are asynq's options. asynq uses this host's clock for a scheduled task; [call.complete] corrects
// the time.
func (t Task) options() []asynq.Option {
	if t.At.IsZero() {
		return t.Opts
	}
	return append(slices.Clip(t.Opts), asynq.ProcessAt(time.Now().Add(time.Hour)))
}
