package asynqx

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed retry.lua
	retrySource string

	retryScript = redis.NewScript(retrySource)
)

// RetryIn is the result of the RetryDelayFunc of a server with a [WorkerClient], to retry a task after wait
// by the clock of Redis. asynq adds a delay to the time of this host; the sum encodes wait, a second since
// 1970 for each millisecond, and retry.lua does the rest.
func RetryIn(wait time.Duration) time.Duration {
	ms := (wait + time.Millisecond - 1).Milliseconds()
	return time.Until(time.Unix(ms, 0).Add(time.Second / 2)) // asynq truncates to whole seconds
}

// isRetry recognises asynq's script that schedules a retry by its keys: the task, active, lease, retry and
// four counters.
func isRetry(keys []string) bool {
	return len(keys) == 8 && strings.HasSuffix(keys[3], ":retry")
}

// retry runs our script with asynq's keys and arguments. The second argument is the encoded task, the third
// is wait, see [RetryIn].
func (c *WorkerClient) retry(ctx context.Context, keys []string, args []any) *redis.Cmd {
	task, _ := args[1].([]byte)
	return retryScript.Run(ctx, c.UniversalClient, keys, append(slices.Clone(args), heldBy(task))...)
}
