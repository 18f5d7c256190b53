package asynqx

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Sizes counts the tasks in some of a queue's sets: pending, active, scheduled, retry, archived and
// completed. asynq's own GetQueueInfo fails as a whole if one task is damaged, and measures memory each time.
func Sizes(ctx context.Context, rdb redis.UniversalClient, queue string, sets ...string) ([]int, error) {
	refs := make([]SetRef, len(sets))
	for i, set := range sets {
		refs[i] = SetRef{queue, Set(set)}
	}
	sizes, err := Counts(ctx, rdb, refs)
	if err != nil {
		return nil, fmt.Errorf("count the tasks of %s: %w", queue, err)
	}
	return sizes, nil
}

func queueKey(queue, name string) string { return "asynq:{" + queue + "}:" + name }
