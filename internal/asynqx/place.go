package asynqx

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
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
	Gone   Place = "gone"   // no such task
	Queued Place = "queued" // waiting or being processed
	// These two are only kept for the dashboard.
	Completed Place = "completed"
	Archived  Place = "archived"
	// Lost is a task that is in none of the sets of its state. No worker will take it: for instance, its
	// worker was killed and its lease lost (asynq issue 1144).
	Lost Place = "lost"
)

// TaskRef identifies a task.
type TaskRef struct{ Queue, ID string }

// key is the key of the task.
func (r TaskRef) key() string { return queueKey(r.Queue, "t:"+r.ID) }

// placeKeys are the keys of place.lua.
func placeKeys(queue string) []string {
	var keys []string
	for _, set := range []string{"pending", "active", "lease", "scheduled", "retry"} {
		keys = append(keys, queueKey(queue, set))
	}
	return keys
}

// Placed is a task and its place.
type Placed struct {
	TaskRef

	Place Place
	// Type and Payload are set if they were requested and the task is not gone.
	Type    string
	Payload []byte
}

// TaskKeys is the pattern of the keys of the tasks in some queues: "*" for all.
func TaskKeys(queues string) string { return queueKey(queues, "t:*") }

// ParseTaskKey parses the key of a task.
func ParseTaskKey(key string) (ref TaskRef, ok bool) {
	rest, ok := strings.CutPrefix(key, "asynq:{")
	if !ok {
		return TaskRef{}, false
	}
	ref.Queue, ref.ID, ok = strings.Cut(rest, "}:t:")
	return ref, ok
}

// atOnce is how many tasks one script locates. Redis serves nobody else meanwhile, and the search for a task can take
// a millisecond.
const atOnce = 8

// Places locates tasks, in one round trip; each answer is atomic.
func Places(ctx context.Context, rdb redis.UniversalClient, refs []TaskRef, withPayload bool) ([]Placed, error) {
	byQueue := map[string][]int{} // indexes of refs
	for i, ref := range refs {
		byQueue[ref.Queue] = append(byQueue[ref.Queue], i)
	}
	var calls []redisconn.ScriptCall
	var owners [][]int // of the calls
	for queue, indexes := range byQueue {
		for some := range slices.Chunk(indexes, atOnce) {
			call := redisconn.ScriptCall{Keys: placeKeys(queue), Args: []any{queueKey(queue, "t:"), withPayload}}
			for _, i := range some {
				call.Keys, call.Args = append(call.Keys, refs[i].key()), append(call.Args, refs[i].ID)
			}
			calls, owners = append(calls, call), append(owners, some)
		}
	}
	replies, err := redisconn.RunAll(ctx, rdb, placesScript, calls)
	if err != nil {
		return nil, fmt.Errorf("locate %d tasks: %w", len(refs), err)
	}
	placed := make([]Placed, len(refs))
	for n, reply := range replies {
		found, err := reply.StringSlice()
		if err != nil || len(found) != 2*len(owners[n]) {
			return nil, errors.Join(errors.New("unexpected reply of places.lua"), err)
		}
		for k, i := range owners[n] {
			placed[i] = Placed{TaskRef: refs[i], Place: Place(found[2*k])}
			placed[i].Type, placed[i].Payload = decodeTask([]byte(found[2*k+1]))
		}
	}
	return placed, nil
}

// decodeTask reads type and payload from an encoded task: fields 1 and 2 of asynq's TaskMessage. Unreadable
// fields are empty.
func decodeTask(b []byte) (typeName string, payload []byte) {
	return string(bytesField(b, 1)), bytesField(b, 2)
}

// bytesField is a field of a protobuf message, empty if missing or unreadable.
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
