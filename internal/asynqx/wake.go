package asynqx

import (
	"context"
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// wakeChannel is the channel that notifies idle workers of queues with tasks. wake.lua uses it, too.
// docs/operations.md lists it in the workers' ACL.
const wakeChannel = "asynq:wecomq:wake"

var (
	//go:embed wake.lua
	wakeSource string
	//go:embed enqueue.lua
	enqueueSource string
	//go:embed fair.lua
	fairSource string
)

// manySource declares MANY: when more tasks than that wait, some go ahead of others, see fair.lua
// and dequeue.lua.
const manySource = "local MANY = 16\n"

// Wake notifies the idle workers of a queue with tasks. It is for tasks enqueued with asynq's own means: this
// package notifies by itself. A failure only costs time, until the workers check by themselves.
func Wake(ctx context.Context, rdb redis.UniversalClient, queue string) {
	_ = rdb.Publish(ctx, wakeChannel, queue).Err()
}
