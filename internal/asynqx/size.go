package asynqx

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Sizes counts the tasks in some of a queue's sets: pending, active, scheduled, retry,
// archived and completed. asynq's own GetQueueInfo fails as a whole if one task is
// damaged, and measures memory each time.
func Sizes(ctx context.Context, rdb redis.UniversalClient, queue string, sets ...string) ([]int, error) {
	replies := make([]*redis.IntCmd, len(sets))
	_, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, set := range sets {
			if set == "pending" || set == "active" {
				replies[i] = pipe.LLen(ctx, queueKey(queue, set))
			} else {
				replies[i] = pipe.ZCard(ctx, queueKey(queue, set))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count the tasks of %s: %w", queue, err)
	}
	sizes := make([]int, len(sets))
	for i, reply := range replies {
		sizes[i] = int(reply.Val())
	}
	return sizes, nil
}

func queueKey(queue, name string) string { return "asynq:{" + queue + "}:" + name }
