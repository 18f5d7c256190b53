// Package durability makes a write count as done only when a replica has it as well, so that a failover does not
// lose confirmed writes.
package durability

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Patience is how long a write waits for a replica. One that is in sync answers within a round trip.
const Patience = time.Second

// UnconfirmedError is returned for a write that the primary has done but no replica has confirmed in time. It is
// lost if the primary is, otherwise it remains. It wraps nothing: a refused WAIT does not mean that the write
// was refused.
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

// Promised marks the calls under ctx as writes that must be durable: if a replica is required, they return when
// it has them.
func Promised(ctx context.Context) context.Context { return context.WithValue(ctx, markKey{}, true) }

func isPromised(ctx context.Context) bool { return ctx.Value(markKey{}) == true }

// plain is ctx without the mark, for commands of go-redis itself, for instance when it opens a connection.
func plain(ctx context.Context) context.Context { return context.WithValue(ctx, markKey{}, false) }

// Require makes a client that has not been used yet wait for a replica after each promised command or pipeline.
func Require(rdb redis.UniversalClient) {
	switch client := rdb.(type) {
	case *redis.Client:
		client.AddHook(&waiter{client})
	case *redis.ClusterClient:
		client.OnNewNode(func(node *redis.Client) { node.AddHook(&waiter{node}) })
	}
}

// waiter is a [redis.Hook] that sends WAIT after promised writes, over the same connection: WAIT covers the
// writes of its own connection.
type waiter struct{ node *redis.Client }

// DialHook does nothing.
func (w *waiter) DialHook(next redis.DialHook) redis.DialHook { return next }

// writes are the commands that are promised individually; CLUSTER SLOTS is sent under the same context.
var writes = []string{"eval", "evalsha", "set"}

// ProcessHook turns a promised command into a pipeline, which leads to ProcessPipelineHook.
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
