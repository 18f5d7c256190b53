// Package durability lets a write count as done only when a replica has it as well, so
// that a failover does not lose what was confirmed.
package durability

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Patience is how long a write waits for a replica. One that is in step answers within
// a round trip.
const Patience = time.Second

// UnconfirmedError is a write that the primary has done and no replica has confirmed in
// time. It is lost if the primary is, and otherwise it stands. It wraps nothing: a refused
// WAIT is no refusal of the write.
type UnconfirmedError struct {
	Err error // why WAIT failed, nil if it ended without a replica
}

// Error says what to do.
func (e *UnconfirmedError) Error() string {
	text := fmt.Sprintf("no replica has confirmed it within %s (durability: replica): it is stored, but a failover may lose it; "+
		"bring the replica back and repeat it", Patience)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

type markKey struct{}

// Promised marks the calls under ctx as writes that somebody relies on: where a replica
// is required, they return when it has them.
func Promised(ctx context.Context) context.Context { return context.WithValue(ctx, markKey{}, true) }

func isPromised(ctx context.Context) bool { return ctx.Value(markKey{}) == true }

// plain is ctx without the mark: what go-redis itself asks on the way, for instance when
// it opens a connection, is no promise.
func plain(ctx context.Context) context.Context { return context.WithValue(ctx, markKey{}, false) }

// Require makes a client that has not been used yet wait for a replica after each
// promised command or pipeline.
func Require(rdb redis.UniversalClient) {
	switch client := rdb.(type) {
	case *redis.Client:
		client.AddHook(&waiter{client})
	case *redis.ClusterClient:
		client.OnNewNode(func(node *redis.Client) { node.AddHook(&waiter{node}) })
	}
}

// waiter is a [redis.Hook] that sends WAIT behind promised writes, over the same
// connection: WAIT is about what was written over its own.
type waiter struct{ node *redis.Client }

// DialHook does nothing.
func (w *waiter) DialHook(next redis.DialHook) redis.DialHook { return next }

// writes are the commands that are promised one by one; CLUSTER SLOTS is asked under the
// same context.
var writes = []string{"eval", "evalsha", "set"}

// ProcessHook makes a promised command a pipeline, which leads to ProcessPipelineHook.
func (w *waiter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !isPromised(ctx) || !slices.Contains(writes, cmd.Name()) {
			return next(ctx, cmd)
		}
		_, _ = w.node.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Process(ctx, cmd) })
		return cmd.Err()
	}
}

// ProcessPipelineHook appends WAIT to a promised pipeline.
func (w *waiter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !isPromised(ctx) {
			return next(ctx, cmds)
		}
		wait := redis.NewIntCmd(ctx, "wait", 1, Patience.Milliseconds())
		err := next(plain(ctx), append(slices.Clip(cmds), wait))
		if wait.Val() > 0 {
			return err
		}
		for _, cmd := range cmds {
			if cmd.Err() == nil {
				cmd.SetErr(&UnconfirmedError{wait.Err()})
			}
		}
		return cmds[0].Err()
	}
}
