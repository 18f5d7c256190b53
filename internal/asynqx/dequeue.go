package asynqx

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

const (
	// takenLife is how long a dequeue whose reply was lost can be repeated. It is shorter than the time after
	// which another worker may take the task: see takeover.go.
	takenLife = 10 * time.Second
	// mostDequeued and mostDequeuedBytes bound the tasks of one dequeue, which blocks Redis meanwhile.
	mostDequeued      = 64
	mostDequeuedBytes = 1 << 20
)

var (
	//go:embed dequeue.lua
	dequeueSource string

	//go:embed put_back.lua
	putBackSource string
	//go:embed give_back.lua
	giveBackSource string

	dequeueScript  = redis.NewScript(manySource + dequeueSource)
	giveBackScript = redis.NewScript(wakeSource + putBackSource + giveBackSource)
)

// dequeuer dequeues tasks for one asynq server, which asks for one at a time; it fetches as many as there are
// free handlers. A lost reply loses no task: a dequeue keeps its name until it is answered.
type dequeuer struct {
	server string
	free   func() int // free handlers, including the one for the next task

	mu       sync.Mutex
	answered map[string]uint64     // answered dequeues by queue
	fetched  map[string][]dequeued // by queue, next first
	next     map[string]time.Time  // by queue: when the next task is due
}

// dequeued is a fetched task without a handler.
type dequeued struct{ id, task string }

func newDequeuer(free func() int) *dequeuer {
	return &dequeuer{server: rand.Text(), free: free, answered: map[string]uint64{}, fetched: map[string][]dequeued{}, next: map[string]time.Time{}}
}

// dequeue replaces asynq's dequeue from a queue.
func (d *dequeuer) dequeue(ctx context.Context, rdb redis.UniversalClient, queueKeys []string) *redis.Cmd {
	queue, cmd := queueOf(queueKeys[0]), nothing(ctx)
	task, wait := d.take(queue)
	if task == "" && !wait {
		tasks, err := d.fetch(ctx, rdb, queue, queueKeys).StringSlice()
		if err == nil {
			err = d.add(queue, tasks)
		}
		if err != nil {
			cmd.SetErr(err)
			return cmd
		}
		task, _ = d.take(queue)
	}
	if task != "" {
		cmd.SetErr(nil)
		cmd.SetVal(task)
	}
	return cmd
}

// add stores tasks; fetched alternates ids and tasks. If there was none, it stores when to ask again.
func (d *dequeuer) add(queue string, fetched []string) error {
	if len(fetched) < 2 {
		return fmt.Errorf("dequeue.lua replied %d values", len(fetched))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.next, queue)
	if fetched[0] == "" {
		wait, err := strconv.ParseInt(fetched[1], 10, 64)
		if err == nil && wait >= 0 {
			d.next[queue] = time.Now().Add(time.Duration(wait) * time.Millisecond)
		}
		return err
	}
	for i := 0; i+1 < len(fetched); i += 2 {
		d.fetched[queue] = append(d.fetched[queue], dequeued{fetched[i], fetched[i+1]})
	}
	return nil
}

// soonest is when the next task is due in any queue, zero if none is known.
func (d *dequeuer) soonest() (soonest time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, at := range d.next {
		if soonest.IsZero() || at.Before(soonest) {
			soonest = at
		}
	}
	return soonest
}

// take returns a fetched task. If there is none for this queue, but for another, wait is set: the free
// handlers are reserved for those.
func (d *dequeuer) take(queue string) (task string, wait bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if tasks := d.fetched[queue]; len(tasks) > 0 {
		d.fetched[queue] = tasks[1:]
		return tasks[0].task, false
	}
	return "", d.holdsTasks()
}

// isEmpty reports whether all fetched tasks have been taken.
func (d *dequeuer) isEmpty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.holdsTasks()
}

// holdsTasks reports whether there are fetched tasks without a handler. The caller holds the mutex.
func (d *dequeuer) holdsTasks() bool {
	for _, tasks := range d.fetched {
		if len(tasks) > 0 {
			return true
		}
	}
	return false
}

// fetch runs our script with the keys of asynq's, but with our arguments: asynq's lease ends by this host's
// clock.
func (d *dequeuer) fetch(ctx context.Context, rdb redis.UniversalClient, queue string, queueKeys []string) *redis.Cmd {
	d.mu.Lock()
	name := strconv.FormatUint(d.answered[queue], 10)
	d.mu.Unlock()
	ctx, cancel := detach(ctx)
	defer cancel()
	cmd := dequeueScript.Run(ctx, rdb, slices.Concat(queueKeys, []string{
		keys.Dequeued(queue, d.server), queueKey(queue, "scheduled"), queueKey(queue, "retry"),
	}), int(leaseLength.Seconds()), queueKey(queue, "t:"), name, takenLife.Milliseconds(),
		min(max(1, d.free()), mostDequeued), mostDequeuedBytes)
	if isAnswer(cmd.Err()) {
		d.mu.Lock()
		d.answered[queue]++
		d.mu.Unlock()
	}
	return cmd
}

// ids returns the fetched tasks of a queue without a handler.
func (d *dequeuer) ids(queue string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := make([]string, len(d.fetched[queue]))
	for i, task := range d.fetched[queue] {
		ids[i] = task.id
	}
	return ids
}

// giveBack returns the tasks without a handler to their places in their queues. If that fails, they return
// when their leases expire.
func (d *dequeuer) giveBack(ctx context.Context, rdb redis.UniversalClient) {
	d.mu.Lock()
	fetched := d.fetched
	d.fetched = map[string][]dequeued{}
	d.mu.Unlock()
	for queue, tasks := range fetched {
		for _, task := range slices.Backward(tasks) {
			_ = giveBackScript.Run(ctx, rdb, []string{
				queueKey(queue, "active"), queueKey(queue, "lease"), queueKey(queue, "pending"), queueKey(queue, "t:") + task.id,
			}, task.id).Err()
		}
	}
}

// queueOf returns the queue of an asynq key such as asynq:{ops:critical}:pending.
func queueOf(key string) string {
	_, queue, _ := strings.Cut(key, "{")
	queue, _, _ = strings.Cut(queue, "}")
	return queue
}

// isDequeue recognises asynq's dequeue by its keys: pending, paused, active, lease.
func isDequeue(keys []string) bool {
	return len(keys) == 4 && strings.HasSuffix(keys[0], ":pending") && strings.HasSuffix(keys[1], ":paused")
}
