package asynqx

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed requeue.lua
	requeueSource string
	//go:embed hasten.lua
	hastenSource string

	requeueScript = redis.NewScript(placeSource + wakeSource + requeueSource)
	hastenScript  = redis.NewScript(wakeSource + hastenSource)
)

// Requeue puts a lost, archived or completed task back into its queue. It reports false, and does nothing,
// for one that is in the queue or gone.
func Requeue(ctx context.Context, rdb redis.UniversalClient, ref TaskRef) (bool, error) {
	keys := append(placeKeys(ref.Queue), queueKey(ref.Queue, "archived"), queueKey(ref.Queue, "completed"), ref.key())
	requeued, err := requeueScript.Run(ctx, rdb, keys, queueKey(ref.Queue, "t:"), ref.ID).Bool()
	if err != nil {
		return false, fmt.Errorf("put %s back into queue %s: %w", ref.ID, ref.Queue, err)
	}
	return requeued, nil
}

// Hasten runs a task at once that waits for its time, and reports whether there was one.
func Hasten(ctx context.Context, rdb redis.UniversalClient, ref TaskRef) (bool, error) {
	keys := []string{ref.key(), queueKey(ref.Queue, "pending"), queueKey(ref.Queue, "scheduled"), queueKey(ref.Queue, "retry")}
	hastened, err := hastenScript.Run(ctx, rdb, keys, ref.ID).Bool()
	if err != nil {
		return false, fmt.Errorf("run %s of queue %s now: %w", ref.ID, ref.Queue, err)
	}
	return hastened, nil
}
