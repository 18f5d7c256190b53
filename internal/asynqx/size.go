package asynqx

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Size counts the tasks of one of a queue's sets: pending, active, scheduled,
// retry, archived or completed. asynq's own look at a queue fails as a whole when
// one task of it is damaged, and measures its memory each time.
func Size(ctx context.Context, rdb redis.UniversalClient, queue, set string) (int, error) {
	key := "asynq:{" + queue + "}:" + set
	count := rdb.ZCard
	if set == "pending" || set == "active" {
		count = rdb.LLen
	}
	n, err := count(ctx, key).Result()
	if err != nil {
		return 0, fmt.Errorf("count the %s tasks of %s: %w", set, queue, err)
	}
	return int(n), nil
}
