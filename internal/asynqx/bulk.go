package asynqx

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Task is one task of a bulk enqueue with its options.
type Task struct {
	Task *asynq.Task
	Opts []asynq.Option
}

// Result is the result of one [Task]: Info or Err is set.
//
// Err is asynq.ErrTaskIDConflict if a task with this id is in the queue already, in
// whatever state; *[RedisError] if Redis did not confirm it; any other error means that
// asynq rejected the task itself.
type Result struct {
	Info *asynq.TaskInfo
	Err  error
}

// RedisError is an enqueue that Redis did not confirm: a retry may help.
type RedisError struct{ Err error }

// Error includes the text of Redis's error.
func (e *RedisError) Error() string { return "redis: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RedisError) Unwrap() error { return e.Err }

// BulkEnqueue enqueues all tasks in one round trip, each atomically and with its own
// result; the results are in the order of the tasks. Give every task a TaskID: when the
// connection breaks, go-redis sends everything again, and only the id shows that a task
// is in the queue already.
func BulkEnqueue(ctx context.Context, rdb redis.UniversalClient, tasks []Task) []Result {
	results := make([]Result, len(tasks))
	rec := newRecorder(rdb)
	client := asynq.NewClientFromRedisClient(rec)
	owners := make([]int, 0, len(tasks)) // owners[i] is the task of rec.calls[i]
	for i, t := range tasks {
		before := len(rec.calls)
		results[i].Info, results[i].Err = client.EnqueueContext(ctx, t.Task, t.Opts...)
		if recorded := len(rec.calls) - before; results[i].Err == nil && recorded != 1 {
			results[i].Err = fmt.Errorf("asynq made %d script calls for one task, want 1: its version changed", recorded)
		}
		for range len(rec.calls) - before {
			owners = append(owners, i)
		}
	}
	for i, err := range rec.flush(ctx) {
		if err != nil {
			results[owners[i]] = Result{Err: err}
		}
	}
	return results
}

// confirm reads the reply of one of asynq's enqueue scripts.
func confirm(cmd *redis.Cmd) error {
	n, err := cmd.Int64()
	switch {
	case err != nil:
		return &RedisError{Err: err}
	case n == 1:
		return nil
	case n == 0:
		return asynq.ErrTaskIDConflict
	case n == -1:
		return asynq.ErrDuplicateTask
	default:
		return &RedisError{Err: errors.New("asynq's script replied " + strconv.FormatInt(n, 10))}
	}
}
