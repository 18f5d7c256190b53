package asynqx

import (
	"context"
	_ "embed"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// roomTasks is how many tasks make room for one message that was sent: with it the
// queue's finished tasks are soon gone, and a call never holds up Redis.
const roomTasks = 20

//go:embed make_room.lua
var makeRoomSource string

var makeRoomScript = redis.NewScript(makeRoomSource)

// IsFull reports whether err means that Redis has reached its maxmemory. It still serves
// what takes no memory, and scripts that begin with a write that takes none.
func IsFull(err error) bool {
	answer, ok := errors.AsType[redis.Error](err)
	return ok && strings.Contains(answer.Error(), "OOM ") // Redis 6 has it inside the text of a script's error
}

// beginsFree is put before the text of a script whose first key is a hash, so that it also
// runs in a full Redis: its first write takes no memory then.
const beginsFree = "redis.call('HDEL', KEYS[1], '')\n"

// HSet is how asynq writes the result of a task, the only write of a delivery that may
// fail: it shows whether Redis is full.
func (c *WorkerClient) HSet(ctx context.Context, key string, values ...any) *redis.IntCmd {
	cmd := c.UniversalClient.HSet(ctx, key, values...)
	c.full.Store(IsFull(cmd.Err()))
	return cmd
}

// makeRoom deletes the task that has just been completed, or some that were before, if
// Redis is full: they are only kept for the dashboard. The next acknowledgement makes up
// for a failure.
func (c *WorkerClient) makeRoom(ctx context.Context, keys []string) {
	if c.full.Load() && strings.HasSuffix(keys[2], ":completed") {
		_ = makeRoomScript.Run(ctx, c.UniversalClient, keys[2:3], roomTasks, queueKey(queueOf(keys[2]), "t:")).Err()
	}
}
