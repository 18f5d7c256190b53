package asynqx

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// PausedByHand is the remaining time of a pause without an end.
const PausedByHand time.Duration = -1

//go:embed pause.lua
var pauseSource string

var pauseScript = redis.NewScript(pauseSource)

// PauseFor pauses a queue on all hosts for a while; the dashboard shows the pause. It does not change an
// existing pause.
func PauseFor(ctx context.Context, rdb redis.UniversalClient, queue string, d time.Duration) error {
	// asynq's own PauseQueue writes the same key and value without a TTL.
	err := pauseScript.Run(ctx, rdb, []string{pauseKey(queue)}, time.Now().Unix(), max(d, time.Millisecond).Milliseconds()).Err()
	if err != nil {
		return fmt.Errorf("pause queue %s: %w", queue, err)
	}
	return nil
}

// Pause pauses a queue on all hosts until [Unpause]. It replaces any other pause.
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
	Wake(ctx, rdb, queue)
	return nil
}

// PauseLeft is how long a queue stays paused: 0 if it is not paused, [PausedByHand] if the pause has no end.
func PauseLeft(ctx context.Context, rdb redis.UniversalClient, queue string) (time.Duration, error) {
	left, err := rdb.PTTL(ctx, pauseKey(queue)).Result()
	switch {
	case err != nil:
		return 0, fmt.Errorf("read the pause of queue %s: %w", queue, err)
	case left == -2: // no such key; go-redis returns Redis's -1 and -2 unchanged
		return 0, nil
	case left < 0:
		return PausedByHand, nil
	default:
		return left, nil
	}
}

func pauseKey(queue string) string { return queueKey(queue, "paused") }
