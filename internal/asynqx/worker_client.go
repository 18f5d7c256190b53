package asynqx

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/groupcommit"
)

const (
	// ackTimeout bounds one acknowledgement of a task, and one heartbeat.
	ackTimeout = 3 * time.Second
	// outageWait is the time between dequeues while Redis does not answer: asynq
	// retries at once (asynq pull request 1058).
	outageWait = 500 * time.Millisecond

	allQueues = "asynq:queues"
)

// WorkerClient is the Redis client for asynq's server. It works around these problems of v0.26:
//
//   - A failed acknowledgement is repeated with a cancelled context, so it never succeeds
//     and the message is sent twice.
//   - While Redis is unavailable, the dequeue loop spins, and heartbeats wait so long
//     that the leases of tasks expire.
//   - The acknowledgement of a task that is no longer active is repeated, though the task
//     may be active elsewhere by then.
//   - Queues that Redis has lost are never registered again.
//   - Due tasks are noticed seconds late and put behind all waiting ones.
//   - Leases and retries use the worker's clock: a worker whose clock is ahead takes the
//     tasks of others.
//   - A task whose dequeue was answered into a broken connection is not processed for two
//     minutes.
//   - A full Redis keeps completed tasks for the dashboard, and so it stays full.
//   - An idle server polls, and reports to the dashboard every few seconds: hundreds of
//     them keep Redis busy ([WorkerClient.WakeBy]).
type WorkerClient struct {
	redis.UniversalClient

	// Free, if set, returns how many handlers of the server are free, including the one for the next task:
	// that many tasks are dequeued at once. Without it, they are dequeued one by one.
	Free func() int
	// AwaitFree, if set, waits until a task may be dequeued, or the server stops.
	AwaitFree func()
	// OnDequeued, if set, is called when a task is passed to asynq.
	OnDequeued func()
	// OnGone, if set, is called with the id of each acknowledged task: it is done, completed or archived, and
	// will not be delivered again.
	OnGone func(id string)

	stopping    context.Context
	dequeuer    *dequeuer
	completions *groupcommit.Group[completion, bool]
	results     results
	presence    presence
	idle        *idle // nil if it polls
	queues      []string
	note        func(error)
}

// NewWorkerClient wraps rdb for a server of these queues, in the order in which it asks them; it stops
// pausing when stopping ends. note is called after each call: with nil if Redis served it, otherwise with the
// error.
func NewWorkerClient(stopping context.Context, rdb redis.UniversalClient, queues []string, note func(error)) *WorkerClient {
	c := &WorkerClient{UniversalClient: rdb, stopping: stopping, queues: queues, note: note}
	c.dequeuer = newDequeuer(c.free)
	c.completions = groupcommit.New(completedTogether, groupcommit.One, c.completeAll)
	return c
}

func (c *WorkerClient) free() int {
	if c.Free == nil {
		return 1
	}
	return c.Free()
}

// GiveBack returns dequeued tasks without a handler to their queues. It is called when a server is stopping,
// and again after it has stopped.
func (c *WorkerClient) GiveBack(ctx context.Context) {
	ctx, cancel := detach(ctx)
	defer cancel()
	c.dequeuer.giveBack(ctx, c.UniversalClient)
}

// EvalSha runs one of asynq's scripts, or ours in its place, or none if there is nothing to do.
func (c *WorkerClient) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if isForward(keys) {
		return answered(ctx, int64(0)) // a dequeue takes due tasks itself
	}
	if c.idle != nil {
		if cmd := c.skip(ctx, keys, args); cmd != nil {
			return cmd
		}
	}
	if isDequeue(keys) {
		return c.dequeue(ctx, keys)
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	if isExpired(keys) {
		return c.ran(keys, c.expiredTasks(ctx, keys))
	}
	if done, ok := completionOf(keys, args); ok {
		return c.ran(keys, c.complete(ctx, done))
	}
	if c.idle != nil && isPresence(keys, args) {
		return c.tellDashboard(ctx, sha, keys, args)
	}
	c.writeResult(ctx, keys, args)
	var cmd *redis.Cmd
	if isRetry(keys) {
		cmd = c.ran(keys, c.retry(ctx, keys, args))
	} else {
		cmd = c.acknowledged(keys, args, c.UniversalClient.EvalSha(ctx, sha, keys, args...))
	}
	c.tell(ctx, keys, cmd)
	return cmd
}

// Eval runs one of asynq's scripts by its text.
func (c *WorkerClient) Eval(ctx context.Context, source string, keys []string, args ...any) *redis.Cmd {
	ctx, cancel := detach(ctx)
	defer cancel()
	return c.acknowledged(keys, args, c.UniversalClient.Eval(ctx, source, keys, args...))
}

// ZAddXX is the part of asynq's heartbeat that extends leases.
func (c *WorkerClient) ZAddXX(ctx context.Context, key string, members ...redis.Z) *redis.IntCmd {
	ctx, cancel := detach(ctx)
	defer cancel()
	cmd := c.extendLeases(ctx, key, members)
	c.served(cmd.Err())
	return cmd
}

// HSet is asynq's write of a task's result before the task is completed: it is deferred until then.
func (c *WorkerClient) HSet(ctx context.Context, key string, values ...any) *redis.IntCmd {
	_, id, isTask := strings.Cut(key, "}:t:")
	if !isTask || len(values) != 2 || values[0] != "result" {
		return c.UniversalClient.HSet(ctx, key, values...)
	}
	c.results.keep(id, values[1])
	cmd := redis.NewIntCmd(ctx)
	cmd.SetVal(1)
	return cmd
}

// writeResult writes the result of a task that is about to be archived. Only the dashboard needs it.
func (c *WorkerClient) writeResult(ctx context.Context, keys []string, args []any) {
	id, ok := taskOf(keys, args)
	if !ok {
		return
	}
	if result := c.results.of(id); result != "" && isAcknowledgement(keys) {
		_ = c.UniversalClient.HSet(ctx, keys[0], "result", result).Err()
	}
	c.results.forget(id)
}

// taskOf is the task of a script that archives or retries one; its first key is the task.
func taskOf(keys []string, args []any) (id string, ok bool) {
	if len(keys) < 5 || len(args) == 0 {
		return "", false
	}
	id, ok = args[0].(string)
	return id, ok && strings.HasSuffix(keys[0], "}:t:"+id)
}

// acknowledged calls OnGone if a task was acknowledged.
func (c *WorkerClient) acknowledged(keys []string, args []any, cmd *redis.Cmd) *redis.Cmd {
	if cmd.Err() == nil && isAcknowledgement(keys) {
		if id, ok := args[0].(string); ok && c.OnGone != nil {
			c.OnGone(id)
		}
	}
	return c.ran(keys, cmd)
}

// isAcknowledgement recognises the scripts that end a task by their keys: done and completed begin with
// active, lease; archived with the task, active, lease, archived. The one that gives a task back has only
// four keys.
func isAcknowledgement(keys []string) bool {
	if len(keys) < 5 {
		return false
	}
	return strings.HasSuffix(keys[0], ":active") && strings.HasSuffix(keys[1], ":lease") ||
		strings.HasSuffix(keys[2], ":lease") && strings.HasSuffix(keys[3], ":archived")
}

// ran handles the result of a script. A failed dequeue is not repeated at once; an acknowledgement that came
// too late is not repeated at all.
func (c *WorkerClient) ran(keys []string, cmd *redis.Cmd) *redis.Cmd {
	err := cmd.Err()
	switch {
	case isDequeue(keys) && !isAnswer(err):
		c.note(err)
		sleep(c.stopping, outageWait)
	case redis.HasErrorPrefix(err, "NOT FOUND"):
		cmd.SetErr(nil)
		cmd.SetVal("OK")
	default:
		c.served(err)
	}
	return cmd
}

func (c *WorkerClient) served(err error) { noteOutage(c.note, err) }

// noteOutage reports to note whether Redis has served a call: an error of the call itself counts as served.
func noteOutage(note func(error), err error) {
	if !IsOutage(err) {
		err = nil
	}
	note(err)
}

// detach gives a call its own deadline: asynq's belongs to an attempt that may be over, or is missing.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
}

// isForward recognises the script that enqueues due tasks by its keys.
func isForward(keys []string) bool {
	return len(keys) == 2 && strings.HasSuffix(keys[1], ":pending") &&
		(strings.HasSuffix(keys[0], ":retry") || strings.HasSuffix(keys[0], ":scheduled"))
}

// answered is the reply of a script that was not run.
func answered(ctx context.Context, reply any) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetVal(reply)
	return cmd
}

// nothing is the reply of a dequeue without a task.
func nothing(ctx context.Context) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(redis.Nil)
	return cmd
}

// isAnswer reports whether a dequeue got an answer: a task, no task, or the request for
// the script's text.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "NOSCRIPT")
}
