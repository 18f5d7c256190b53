package asynqx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// PausedByHand is what is left of a pause that does not end by itself.
const PausedByHand time.Duration = -1

// PauseFor pauses a queue on all hosts for a while; the pause shows in the
// dashboard. A pause that is already there stays as it is.
func PauseFor(ctx context.Context, rdb redis.UniversalClient, queue string, d time.Duration) error {
	// SET NX PX: asynq's own PauseQueue writes the same key and value without an end.
	err := rdb.SetArgs(ctx, pauseKey(queue), time.Now().Unix(), redis.SetArgs{Mode: "NX", TTL: max(d, time.Millisecond)}).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("pause queue %s: %w", queue, err)
	}
	return nil
}

// Pause pauses a queue on all hosts until [Unpause], whatever pause is there.
func Pause(ctx context.Context, rdb redis.UniversalClient, queue string) error {
	if err := rdb.Set(ctx, pauseKey(queue), time.Now().Unix(), 0).Err(); err != nil {
		return fmt.Errorf("pause queue %s: %w", queue, err)
	}
	return nil
}

// Unpause ends any pause of a queue.
func Unpause(ctx context.Context, rdb redis.UniversalClient, queue string) error {
	if err := rdb.Del(ctx, pauseKey(queue)).Err(); err != nil {
		return fmt.Errorf("resume queue %s: %w", queue, err)
	}
	return nil
}

// PauseLeft is how long a queue stays paused: 0 when it is not, [PausedByHand]
// when it does not end by itself.
func PauseLeft(ctx context.Context, rdb redis.UniversalClient, queue string) (time.Duration, error) {
	left, err := rdb.PTTL(ctx, pauseKey(queue)).Result()
	switch {
	case err != nil:
		return 0, fmt.Errorf("look for a pause of queue %s: %w", queue, err)
	case left == -2: // there is no such key; go-redis leaves Redis's -1 and -2 as they are
		return 0, nil
	case left < 0:
		return PausedByHand, nil
	default:
		return left, nil
	}
}

func pauseKey(queue string) string { return queueKey(queue, "paused") }
