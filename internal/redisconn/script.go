package redisconn

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// ScriptCall is one run of a script.
type ScriptCall struct {
	Keys []string
	Args []any
}

// RunAll runs a script once for each call, all in one round trip. It returns the first error of a reply, which
// is also in the replies.
func RunAll(ctx context.Context, rdb redis.UniversalClient, script *redis.Script, calls []ScriptCall) ([]*redis.Cmd, error) {
	if len(calls) == 0 {
		return nil, nil
	}
	replies, err := runAll(ctx, rdb, script, calls)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // first use, or after a failover
		if err = script.Load(ctx, rdb).Err(); err == nil {
			replies, err = runAll(ctx, rdb, script, calls)
		}
	}
	return replies, err
}

func runAll(ctx context.Context, rdb redis.UniversalClient, script *redis.Script, calls []ScriptCall) ([]*redis.Cmd, error) {
	replies := make([]*redis.Cmd, len(calls))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, call := range calls {
			replies[i] = script.EvalSha(ctx, p, call.Keys, call.Args...)
		}
		return nil
	})
	return replies, err
}
