package asynqx

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed requeue.lua
var requeueSource string

var requeueScript = redis.NewScript(placeSource + requeueSource)

// Requeue puts a task that is lost, archived or completed back into its queue. It does
// nothing, and reports so, for one that is in the queue or gone.
func Requeue(ctx context.Context, rdb redis.UniversalClient, ref TaskRef) (bool, error) {
	keys := append(ref.keys(), queueKey(ref.Queue, "archived"), queueKey(ref.Queue, "completed"))
	requeued, err := requeueScript.Run(ctx, rdb, keys, ref.ID, queueKey(ref.Queue, "t:")).Bool()
	if err != nil {
		return false, fmt.Errorf("put %s back into queue %s: %w", ref.ID, ref.Queue, err)
	}
	return requeued, nil
}
