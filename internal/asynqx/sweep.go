package asynqx

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed sweep.lua
var sweepSource string

var sweepScript = redis.NewScript(sweepSource)

// sweepBatch keeps one script below a millisecond.
const sweepBatch = 100

// SweepArchive deletes archived tasks of a queue: all but the newest keep, and those
// that were archived longer than age ago. asynq itself trims only when it archives,
// leaves the tasks' keys behind, and fails for good when too many get old at once.
func SweepArchive(ctx context.Context, rdb redis.UniversalClient, queue string, keep int, age time.Duration) (int, error) {
	base := "asynq:{" + queue + "}:"
	cutoff := time.Now().Add(-age).Unix()
	for swept := 0; ; {
		n, err := sweepScript.Run(ctx, rdb, []string{base + "archived"}, keep, cutoff, sweepBatch, base+"t:").Int()
		if err != nil {
			return swept, fmt.Errorf("sweep the archive of %s: %w", queue, err)
		}
		if swept += n; n < sweepBatch {
			return swept, nil
		}
	}
}
