package asynqx

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// leaseLength is how long a dead worker keeps its tasks, as in asynq.
	leaseLength = 30 * time.Second
	// secondLook is how long after the first check an expired lease is checked again: asynq extends the
	// leases of a living worker every 5 s.
	secondLook = 7 * time.Second
)

var (
	//go:embed extend.lua
	extendSource string
	//go:embed expired.lua
	expiredSource string

	extendScript  = redis.NewScript(extendSource)
	expiredScript = redis.NewScript(expiredSource)
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

// expiredTasks lists the tasks of dead workers. Expired leases are checked twice: after a change of Redis's
// clock or an outage of Redis, the leases of living workers have expired as well, until the next heartbeat.
func (c *WorkerClient) expiredTasks(ctx context.Context, keys []string) *redis.Cmd {
	first := c.listExpired(ctx, keys)
	suspects, err := first.StringSlice()
	if err != nil || len(suspects) == 0 {
		return first
	}
	select {
	case <-time.After(secondLook):
	case <-c.stopping.Done():
		first.SetVal([]any{})
		return first
	}
	second := c.listExpired(ctx, keys)
	if found, err := second.Slice(); err == nil {
		second.SetVal(slices.DeleteFunc(found, func(task any) bool {
			text, _ := task.(string)
			return !slices.Contains(suspects, text)
		}))
	}
	return second
}

func (c *WorkerClient) listExpired(ctx context.Context, keys []string) *redis.Cmd {
	ctx, cancel := detach(ctx)
	defer cancel()
	return expiredScript.Run(ctx, c.UniversalClient, keys, int(leaseLength.Seconds()), queueKey(queueOf(keys[0]), "t:"))
}

// isExpired recognises asynq's search for expired leases by its key.
func isExpired(keys []string) bool { return len(keys) == 1 && strings.HasSuffix(keys[0], ":lease") }
