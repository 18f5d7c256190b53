package asynqx

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redisconn"
)

//go:embed hold.lua
var holdSource string

var holdScript = redis.NewScript(holdSource)

// HoldError is the error of a task that has to wait for one of WeCom's limits. [Look] counts tasks by it.
type HoldError struct {
	Limit string // the limit, in one word: "member"
}

// Error is shown in the dashboard.
func (e *HoldError) Error() string { return holdText + e.Limit }

const holdText = "waits for its turn under the limit per "

// heldBy returns the limit if the last error of an encoded task was a [HoldError], else "".
func heldBy(task []byte) string {
	const errorMessage = 7 // its number in asynq's TaskMessage
	limit, isHold := strings.CutPrefix(string(bytesField(task, errorMessage)), holdText)
	if !isHold {
		return ""
	}
	return limit
}

// Held is a scheduled task that waits for one of WeCom's limits.
type Held struct {
	TaskRef

	Limit string
	Since time.Time
}

// NoteHeld records what tasks wait for, in one round trip.
func NoteHeld(ctx context.Context, rdb redis.UniversalClient, held []Held) error {
	calls := make([]redisconn.ScriptCall, len(held))
	for i, h := range held {
		calls[i] = redisconn.ScriptCall{Keys: []string{queueKey(h.Queue, "t:"+h.ID)}, Args: []any{h.Limit, h.Since.UnixNano()}}
	}
	if _, err := redisconn.RunAll(ctx, rdb, holdScript, calls); err != nil {
		return fmt.Errorf("record what %d tasks wait for: %w", len(held), err)
	}
	return nil
}
