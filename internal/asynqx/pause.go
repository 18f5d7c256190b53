package asynqx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// PauseFor pauses a queue on all hosts for a while; the pause shows in the
// dashboard and ends by itself. A pause that is already there stays as it is.
func PauseFor(ctx context.Context, rdb redis.UniversalClient, queue string, d time.Duration) error {
	key := fmt.Sprintf("asynq:{%s}:paused", queue)
	// SET NX PX: asynq's own PauseQueue writes the same key and value without an end.
	err := rdb.SetArgs(ctx, key, time.Now().Unix(), redis.SetArgs{Mode: "NX", TTL: d}).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("pause queue %s: %w", queue, err)
	}
	return nil
}
