package asynqx

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/wecomq/wecomq/internal/redisconn"
)

var (
	//go:embed place.lua
	placeSource string
	//go:embed places.lua
	placesSource string

	placesScript = redis.NewScript(placeSource + placesSource)
)

// Place is where a task is.
type Place string

// The places.
const (
	Gone   Place = "gone"   // there is no such task
	Queued Place = "queued" // it waits, or a worker has it
	// These two are only kept for the dashboard.
	Completed Place = "completed"
	Archived  Place = "archived"
	// Lost is a task that is in none of the sets that its state names. No worker will take
	// it: for instance one whose worker was killed, and whose lease was lost (asynq issue
	// 1144).
	Lost Place = "lost"
)

// TaskRef names a task.
type TaskRef struct{ Queue, ID string }

// keys are those that place.lua needs.
func (r TaskRef) keys() []string {
	keys := []string{queueKey(r.Queue, "t:"+r.ID)}
	for _, set := range []string{"pending", "active", "lease", "scheduled", "retry"} {
		keys = append(keys, queueKey(r.Queue, set))
	}
	return keys
}

// Placed is a task and its place.
type Placed struct {
	TaskRef

	Place Place
	// Type and Payload are only there if they were asked for, and the task is not gone.
	Type    string
	Payload []byte
}

// TaskKeys is the pattern of the keys of the tasks in some queues: "*" for all.
func TaskKeys(queues string) string { return queueKey(queues, "t:*") }

// ParseTaskKey reads the task from the name of its key.
func ParseTaskKey(key string) (ref TaskRef, ok bool) {
	rest, ok := strings.CutPrefix(key, "asynq:{")
	if !ok {
		return TaskRef{}, false
	}
	ref.Queue, ref.ID, ok = strings.Cut(rest, "}:t:")
	return ref, ok
}

// Places looks where tasks are, in one round trip; each answer is of one moment.
func Places(ctx context.Context, rdb redis.UniversalClient, refs []TaskRef, withPayload bool) ([]Placed, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	calls := make([]redisconn.ScriptCall, len(refs))
	for i, ref := range refs {
		calls[i] = redisconn.ScriptCall{Keys: ref.keys(), Args: []any{ref.ID, queueKey(ref.Queue, "t:"), withPayload}}
	}
	replies, err := redisconn.RunAll(ctx, rdb, placesScript, calls)
	if err != nil {
		return nil, fmt.Errorf("look for %d tasks: %w", len(refs), err)
	}
	placed := make([]Placed, len(refs))
	for i, reply := range replies {
		found, err := reply.StringSlice()
		if err != nil || len(found) != 2 {
			return nil, errors.Join(errors.New("unexpected reply of places.lua"), err)
		}
		placed[i] = Placed{TaskRef: refs[i], Place: Place(found[0])}
		placed[i].Type, placed[i].Payload = decodeTask([]byte(found[1]))
	}
	return placed, nil
}

// decodeTask reads type and payload from a task as asynq encodes it: fields 1 and 2 of its
// TaskMessage. What cannot be read is empty.
func decodeTask(b []byte) (typeName string, payload []byte) {
	return string(bytesField(b, 1)), bytesField(b, 2)
}

// bytesField is a field of a message of protobuf, empty if there is none that can be read.
func bytesField(b []byte, want protowire.Number) (value []byte) {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		size := protowire.ConsumeFieldValue(field, kind, b[n:])
		if size < 0 {
			return nil
		}
		if field == want && kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(b[n:])
		}
		b = b[n+size:]
	}
	return value
}
