package asynqx

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

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

// PendingSince is when the next task of a queue was enqueued, zero if there is none.
func PendingSince(ctx context.Context, rdb redis.UniversalClient, queue string) (time.Time, error) {
	id, err := rdb.LIndex(ctx, queueKey(queue, "pending"), -1).Result()
	if errors.Is(err, redis.Nil) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look at the next task of %s: %w", queue, err)
	}
	since, err := rdb.HGet(ctx, queueKey(queue, "t:"+id), "pending_since").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return time.Time{}, fmt.Errorf("look at the next task of %s: %w", queue, err)
	}
	nano, err := strconv.ParseInt(since, 10, 64)
	if err != nil { // it was just taken, or run by hand, which sets no time
		return time.Time{}, nil //nolint:nilerr // the count shows that it waits
	}
	return time.Unix(0, nano), nil
}

func queueKey(queue, name string) string { return "asynq:{" + queue + "}:" + name }
