package asynqx

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed sweep.lua
var sweepSource string

var sweepScript = redis.NewScript(sweepSource)

const (
	// sweepBatch keeps one script below a millisecond.
	sweepBatch = 100
	// ancient is a little less than the 90 days after which asynq itself deletes.
	ancient = 85 * 24 * time.Hour
)

// Sweep selects the archived tasks to delete: all but the newest MaxTasks, and those archived longer than MaxAge
// ago, if their message, including the last error, contains Mark. Others may not be recorded elsewhere, so
// they stay until asynq would delete them.
type Sweep struct {
	MaxTasks int
	MaxAge   time.Duration
	Mark     string
}

// SweepArchive deletes archived tasks of a queue and returns how many. asynq itself
// trims only when it archives, leaves the tasks' keys behind, and fails permanently if
// too many become old at once.
func SweepArchive(ctx context.Context, rdb redis.UniversalClient, queue string, s Sweep) (int, error) {
	base, now := "asynq:{"+queue+"}:", time.Now()
	deleted, skip := 0, int64(0)
	for {
		reply, err := sweepScript.Run(ctx, rdb, []string{base + "archived"},
			s.MaxTasks, now.Add(-s.MaxAge).Unix(), s.Mark, now.Add(-ancient).Unix(), sweepBatch, skip, base+"t:").Int64Slice()
		if err == nil && len(reply) != 3 {
			err = errors.New("unexpected reply of sweep.lua")
		}
		if err != nil {
			return deleted, fmt.Errorf("sweep the archive of %s: %w", queue, err)
		}
		deleted += int(reply[0])
		if skip += reply[1]; reply[2] == 1 {
			return deleted, nil
		}
	}
}
