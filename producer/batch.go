package producer

import (
	"context"
	"errors"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
)

// batch gathers the tasks of several messages for one round trip.
type batch struct {
	tasks  []asynqx.Task
	owners []int // owners[i] is the message that tasks[i] belongs to
}

func (b *batch) add(owner int, task asynqx.Task) {
	b.owners = append(b.owners, owner)
	b.tasks = append(b.tasks, task)
}

func (b *batch) full() bool { return len(b.tasks) >= batchTasks }

// flush sends what was gathered and notes what became of each message.
//
// An id that is in the queue already is a duplicate when it came from a key. A
// fresh id can only have met itself: the connection broke after Redis had taken
// it, and go-redis sent it again.
func (b *batch) flush(ctx context.Context, rdb redis.UniversalClient, messages []Message, results []Result) {
	if len(b.tasks) == 0 {
		return
	}
	for i, result := range asynqx.BulkEnqueue(ctx, rdb, b.tasks) {
		owner := &results[b.owners[i]]
		keyed := messages[b.owners[i]].Options.IdempotencyKey != ""
		switch {
		case errors.Is(result.Err, asynq.ErrTaskIDConflict):
			owner.Receipt.Duplicate = keyed
		case result.Err != nil:
			owner.Err = result.Err
		}
	}
	b.tasks, b.owners = b.tasks[:0], b.owners[:0]
}
