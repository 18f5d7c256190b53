package asynqx

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed waiting.lua
var waitingSource string

var waitingScript = redis.NewScript(waitingSource)

// Waiting describes the tasks of a queue whose time has come: a worker takes them from
// where they are, so asynq counts them as scheduled or to be retried until then.
type Waiting struct {
	Scheduled int // scheduled tasks that are due
	Retry     int // failed tasks that are due
	// Oldest is how long the next task, due or pending, has waited by the clock of Redis;
	// 0 if none waits.
	Oldest time.Duration
}

// LookWaiting looks at what a queue's workers would take next.
func LookWaiting(ctx context.Context, rdb redis.UniversalClient, queue string) (Waiting, error) {
	reply, err := waitingScript.Run(ctx, rdb, []string{
		queueKey(queue, "pending"), queueKey(queue, "scheduled"), queueKey(queue, "retry"),
	}, queueKey(queue, "t:")).Int64Slice()
	if err == nil && len(reply) != 3 {
		err = errors.New("unexpected reply of waiting.lua")
	}
	if err != nil {
		return Waiting{}, fmt.Errorf("look at what waits in %s: %w", queue, err)
	}
	return Waiting{
		Scheduled: int(reply[0]), Retry: int(reply[1]), Oldest: time.Duration(reply[2]) * time.Microsecond,
	}, nil
}
