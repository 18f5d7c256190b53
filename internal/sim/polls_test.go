package sim_test

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// idlePolls is a [redis.Hook] that answers a dequeue from an empty queue at once, as the
// script would: an idle worker asks fifty times a second, and the Lua of miniredis takes
// half a millisecond. Everything else goes through the network.
type idlePolls struct {
	redis   *miniredis.Miniredis
	own     *redis.Client // without faults
	network *network
}

// rest is how long an idle worker waits, longer than in production, before it asks again.
const rest = 500 * time.Millisecond

// DialHook implements [redis.Hook].
func (p idlePolls) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements [redis.Hook].
func (p idlePolls) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements [redis.Hook].
func (p idlePolls) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); len(args) == 14 && p.network.open() && p.nothingFor(ctx, args) {
			select {
			case <-time.After(rest):
			case <-ctx.Done():
			}
			cmd.SetErr(redis.Nil)
			return redis.Nil
		}
		return next(ctx, cmd)
	}
}

// nothingFor reports whether this is our dequeue (internal/asynqx/dequeue.lua), by its
// seven keys and four arguments, and finds no task.
func (p idlePolls) nothingFor(ctx context.Context, args []any) bool {
	keys := make([]string, 0, 7)
	for _, arg := range args[3:10] {
		key, _ := arg.(string)
		keys = append(keys, key)
	}
	if !strings.HasSuffix(keys[0], ":pending") || p.redis.Exists(keys[0]) {
		return false
	}
	name, _ := args[12].(string)
	if taken, err := p.redis.Get(keys[4]); err == nil && strings.HasPrefix(taken, name+" ") {
		return false
	}
	return !p.due(ctx, keys[5]) && !p.due(ctx, keys[6])
}

// due reports whether the time of a task of a set has come.
func (p idlePolls) due(ctx context.Context, set string) bool {
	if !p.redis.Exists(set) {
		return false
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	count, err := p.own.ZCount(ctx, set, "-inf", now).Result()
	return err != nil || count > 0
}
