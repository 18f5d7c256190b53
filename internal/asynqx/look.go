package asynqx

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redisconn"
)

//go:embed look.lua
var lookSource string

var lookScript = redis.NewScript(lookSource)

// lookedAt bounds the tasks that a look reads one by one; a thousand take Redis a millisecond.
const lookedAt = 500

// Queue is a queue as its workers see it: a due task is pending, wherever asynq keeps it until a worker takes
// it.
type Queue struct {
	Pending   int // waiting for a worker
	Active    int // being processed
	Scheduled int // for the future
	Retry     int // to be retried in the future
	// PauseLeft is the result of [PauseLeft].
	PauseLeft time.Duration
	// Waits groups waiting tasks by the limit that holds them ([HoldError]); tasks without one are under "",
	// which always exists.
	Waits map[string]Wait
}

// Wait describes the tasks to be retried, or scheduled for a turn under a limit. Of each kind, the 500 that
// are due first and the 500 that are due last are examined.
type Wait struct {
	Tasks int
	// Oldest is how long the oldest has waited, by the clock of Redis: since it was enqueued, or since its
	// scheduled time. 0 if none waits, or it was run manually.
	Oldest time.Duration
	Last   time.Time // when the last of them is retried; zero if none is
}

// Oldest is how long the oldest waiting task has waited, including tasks being retried.
func (q Queue) Oldest() (oldest time.Duration) {
	for _, wait := range q.Waits {
		oldest = max(oldest, wait.Oldest)
	}
	return oldest
}

// Look inspects queues in one round trip.
func Look(ctx context.Context, rdb redis.UniversalClient, queues ...string) ([]Queue, error) {
	calls := make([]redisconn.ScriptCall, len(queues))
	for i, queue := range queues {
		var keys []string
		for _, set := range []string{"pending", "active", "scheduled", "retry", "paused"} {
			keys = append(keys, queueKey(queue, set))
		}
		calls[i] = redisconn.ScriptCall{Keys: keys, Args: []any{queueKey(queue, "t:"), lookedAt}}
	}
	replies, err := redisconn.RunAll(ctx, rdb, lookScript, calls)
	looked := make([]Queue, len(replies))
	for i, reply := range replies {
		if err == nil {
			looked[i], err = readQueue(reply)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("inspect %d queues: %w", len(queues), err)
	}
	return looked, nil
}

// readQueue reads a reply of look.lua.
func readQueue(cmd *redis.Cmd) (Queue, error) {
	const counts, perWait = 5, 4
	reply, err := cmd.Slice()
	if err != nil {
		return Queue{}, err
	}
	if len(reply) < counts || (len(reply)-counts)%perWait != 0 {
		return Queue{}, errors.New("unexpected reply of look.lua")
	}
	number := func(i int) int64 {
		n, _ := reply[i].(int64)
		return n
	}
	q := Queue{
		Pending: int(number(0)), Active: int(number(1)), Scheduled: int(number(2)), Retry: int(number(3)),
		PauseLeft: pauseLeft(time.Duration(number(4)) * time.Millisecond), Waits: map[string]Wait{},
	}
	for i := counts; i < len(reply); i += perWait {
		limit, _ := reply[i].(string)
		wait := Wait{Tasks: int(number(i + 1)), Oldest: time.Duration(number(i+2)) * time.Microsecond}
		if due := number(i + 3); due > 0 {
			wait.Last = time.Unix(due, 0).UTC()
		}
		q.Waits[limit] = wait
	}
	return q, nil
}

// pauseLeft converts a TTL; -1 ms and -2 ms have Redis's meaning.
func pauseLeft(ttl time.Duration) time.Duration {
	switch {
	case ttl == -2*time.Millisecond:
		return 0
	case ttl < 0:
		return PausedByHand
	}
	return ttl
}
