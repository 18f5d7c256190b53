package asynqx

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// ackTimeout bounds one acknowledgement of a task.
	ackTimeout = 3 * time.Second
	// outagePause spaces the dequeues while Redis does not answer: asynq asks
	// again at once (asynq pull request 1058).
	outagePause = 500 * time.Millisecond
)

// WorkerClient is the Redis client to give to asynq's server. It mends two faults
// of v0.26: an acknowledgement that failed is repeated with a context that has
// been cancelled, so it never succeeds and the message is sent twice; and while
// Redis is down the dequeue loop spins.
type WorkerClient struct {
	redis.UniversalClient
	stopping context.Context
}

// NewWorkerClient wraps rdb; it stops pausing when stopping ends.
func NewWorkerClient(stopping context.Context, rdb redis.UniversalClient) *WorkerClient {
	return &WorkerClient{UniversalClient: rdb, stopping: stopping}
}

// EvalSha runs one of asynq's scripts.
func (c *WorkerClient) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	ctx, cancel := detach(ctx)
	defer cancel()
	cmd := c.UniversalClient.EvalSha(ctx, sha, keys, args...)
	if isDequeue(keys) && isOutage(cmd.Err()) {
		c.pause()
	}
	return cmd
}

// Eval runs one of asynq's scripts by its text.
func (c *WorkerClient) Eval(ctx context.Context, source string, keys []string, args ...any) *redis.Cmd {
	ctx, cancel := detach(ctx)
	defer cancel()
	return c.UniversalClient.Eval(ctx, source, keys, args...)
}

func (c *WorkerClient) pause() {
	select {
	case <-time.After(outagePause):
	case <-c.stopping.Done():
	}
}

// detach gives a call its own deadline: the one asynq passes belongs to an
// attempt that may be over.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
}

// isDequeue knows asynq's dequeue by its keys: pending, paused, active, lease.
func isDequeue(keys []string) bool {
	return len(keys) == 4 && strings.HasSuffix(keys[0], ":pending") && strings.HasSuffix(keys[1], ":paused")
}

// isOutage tells a Redis that cannot serve (unreachable, loading, read-only)
// from one that answered "no task" or asked for the script.
func isOutage(err error) bool {
	return err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "NOSCRIPT")
}
