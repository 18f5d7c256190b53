package asynqx

import (
	"context"
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// wakeChannel is where the idle workers are told of queues in which there is something.
// wake.lua knows it too. Its name is among those that docs/operations.md lets workers use.
const wakeChannel = "asynq:wecomq:wake"

var (
	//go:embed wake.lua
	wakeSource string
	//go:embed wake_enqueued.lua
	wakeEnqueuedSource string
	//go:embed fair.lua
	fairSource string
)

// manySource declares MANY: when more tasks than that wait, some go ahead of others, see fair.lua
// and dequeue.lua.
const manySource = "local MANY = 16\n"

// Wake tells the idle workers that there is something in a queue. It is for those who have
// put it there with means of asynq's: what this package enqueues is told by itself. A
// failure only costs time, until the workers look by themselves.
func Wake(ctx context.Context, rdb redis.UniversalClient, queue string) {
	_ = rdb.Publish(ctx, wakeChannel, queue).Err()
}

// waking makes one of asynq's scripts that enqueue a task wake the idle workers, and keep the
// order between senders fair.
func waking(source string) string {
	return wakeSource + manySource + fairSource + "local function enqueue()\n" + source + "\nend\n" + wakeEnqueuedSource
}
