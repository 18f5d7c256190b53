package asynqx

import (
	"context"
	_ "embed"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// leaseLength is how long a lease lasts, as in asynq.
const leaseLength = 30 * time.Second

var (
	//go:embed extend.lua
	extendSource string

	extendScript = redis.NewScript(extendSource)
)

// extendLeases extends leases for asynq's heartbeat, by the clock of Redis.
func (c *WorkerClient) extendLeases(ctx context.Context, key string, members []redis.Z) *redis.IntCmd {
	args := []any{int(leaseLength.Seconds())}
	for _, m := range members {
		args = append(args, m.Member)
	}
	for _, id := range c.dequeuer.ids(queueOf(key)) {
		args = append(args, id)
	}
	reply := extendScript.Run(ctx, c.UniversalClient, []string{key}, args...)
	cmd := redis.NewIntCmd(ctx)
	cmd.SetErr(reply.Err())
	return cmd
}

// isExpired recognises asynq's search for expired leases by its key. It is answered with none: asynq would retry
// them although they may have been renewed meanwhile, and [Bells] finds them earlier.
func isExpired(keys []string) bool { return len(keys) == 1 && strings.HasSuffix(keys[0], ":lease") }
