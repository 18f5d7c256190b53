package asynqx

import (
	"context"
	"crypto/rand"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

// takenLife is how long a dequeue whose reply was lost can be repeated. It is shorter
// than the task's lease of 30 s, after which another worker may have the task.
const takenLife = 25 * time.Second

//go:embed dequeue.lua
var dequeueSource string

var dequeueScript = redis.NewScript(dequeueSource)

// dequeuer dequeues tasks for one asynq server so that a lost reply loses no task: each
// dequeue keeps its name until it is answered.
type dequeuer struct {
	server string

	mu       sync.Mutex
	answered map[string]uint64 // dequeues by queue
}

func newDequeuer() *dequeuer { return &dequeuer{server: rand.Text(), answered: map[string]uint64{}} }

// dequeue runs our script with the keys of asynq's script. Its arguments are ours: in
// asynq's the lease ends by this host's clock.
func (d *dequeuer) dequeue(ctx context.Context, rdb redis.UniversalClient, queueKeys []string) *redis.Cmd {
	queue := queueOf(queueKeys[0])
	d.mu.Lock()
	name := strconv.FormatUint(d.answered[queue], 10)
	d.mu.Unlock()
	cmd := dequeueScript.Run(ctx, rdb, slices.Concat(queueKeys, []string{
		keys.Dequeued(queue, d.server), queueKey(queue, "scheduled"), queueKey(queue, "retry"),
	}), int(leaseLength.Seconds()), queueKey(queue, "t:"), name, takenLife.Milliseconds())
	if isAnswer(cmd.Err()) {
		d.mu.Lock()
		d.answered[queue]++
		d.mu.Unlock()
	}
	return cmd
}

// queueOf is the queue of an asynq key such as asynq:{ops:critical}:pending.
func queueOf(key string) string {
	_, queue, _ := strings.Cut(key, "{")
	queue, _, _ = strings.Cut(queue, "}")
	return queue
}

// isDequeue recognises asynq's dequeue by its keys: pending, paused, active, lease.
func isDequeue(keys []string) bool {
	return len(keys) == 4 && strings.HasSuffix(keys[0], ":pending") && strings.HasSuffix(keys[1], ":paused")
}
