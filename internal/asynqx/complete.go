package asynqx

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/groupcommit"
)

const (
	// completedTogether is how many tasks are completed in one round trip.
	completedTogether = 64
	// roomTasks is how many finished tasks are deleted for one sent message if Redis is full: enough to empty
	// the queue's set soon, few enough not to block Redis.
	roomTasks = 20
)

var (
	//go:embed complete.lua
	completeSource string

	completeScript = redis.NewScript(completeSource)
)

// completion is the data of asynq's script that completes a task.
type completion struct {
	queue     string
	active    []string // asynq's keys: active, lease
	processed []string // processed of the day, processed
	id        string
	statsEnd  any
	mostStats any
	expires   any // "" to delete the task now
	task      any // encoded
}

// completionOf recognises asynq's scripts that complete a task by their keys: active, lease, the task,
// processed of the day and processed; preceded by completed if the task is retained.
func completionOf(keys []string, args []any) (completion, bool) {
	if len(keys) < 5 || !strings.HasSuffix(keys[0], ":active") || !strings.HasSuffix(keys[1], ":lease") {
		return completion{}, false
	}
	id, _ := args[0].(string)
	c := completion{queue: queueOf(keys[0]), active: keys[:2], processed: keys[len(keys)-2:], id: id, statsEnd: args[1], expires: "", task: ""}
	switch kept := strings.HasSuffix(keys[2], ":completed"); {
	case kept && len(keys) == 6 && len(args) == 5:
		c.expires, c.task, c.mostStats = args[2], args[3], args[4]
		return c, true
	case !kept && len(keys) == 5 && len(args) == 3:
		c.mostStats = args[2]
		return c, true
	}
	return completion{}, false // a unique task, which wecomq does not use
}

// together reports whether one script can complete both.
func (c completion) together(other completion) bool {
	return c.queue == other.queue && c.processed[0] == other.processed[0]
}

// complete completes a task, with its result, in place of asynq's script.
func (c *WorkerClient) complete(ctx context.Context, done completion) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	active, err := c.completions.Do(ctx, done)
	if err != nil {
		cmd.SetErr(err)
		return cmd
	}
	c.results.forget(done.id)
	if active && c.OnGone != nil {
		c.OnGone(done.id)
	}
	cmd.SetVal("OK")
	return cmd
}

// completeAll completes the tasks, those of one queue in one round trip.
func (c *WorkerClient) completeAll(ctx context.Context, done []completion) []groupcommit.Answer[bool] {
	answers := make([]groupcommit.Answer[bool], len(done))
	answered := make([]bool, len(done))
	for i := range done {
		if answered[i] {
			continue
		}
		var batch []int
		for n := i; n < len(done); n++ {
			if done[n].together(done[i]) {
				batch, answered[n] = append(batch, n), true
			}
		}
		c.completeBatch(ctx, done, batch, answers)
	}
	return answers
}

// completeBatch completes the tasks with the indices in batch.
func (c *WorkerClient) completeBatch(ctx context.Context, done []completion, batch []int, answers []groupcommit.Answer[bool]) {
	first := done[batch[0]]
	args := []any{first.statsEnd, queueKey(first.queue, "t:"), first.mostStats, roomTasks}
	for _, n := range batch {
		args = append(args, done[n].id, done[n].expires, done[n].task, c.results.of(done[n].id))
	}
	names := append(append(append([]string{}, first.active...), queueKey(first.queue, "completed")), first.processed...)
	found, err := completeScript.Run(ctx, c.UniversalClient, names, args...).BoolSlice()
	if err == nil && len(found) != 1+len(batch) {
		err = fmt.Errorf("complete.lua replied %d values, want %d", len(found), 1+len(batch))
	}
	if err == nil && found[0] {
		c.note(fullError{})
	}
	for i, n := range batch {
		if answers[n].Err = err; err == nil {
			answers[n].Value = found[1+i]
		}
	}
}

// results holds the results that handlers have written for the dashboard. They are written to Redis when the
// task is completed.
type results struct {
	mu  sync.Mutex
	all map[string]any // by task
}

// mostResults bounds the results of tasks that another worker completes, because Redis was unavailable for
// longer than a lease.
const mostResults = 10_000

func (r *results) keep(id string, result any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil || len(r.all) >= mostResults {
		r.all = map[string]any{}
	}
	r.all[id] = result
}

// of returns "" if there is none.
func (r *results) of(id string) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	if result, ok := r.all[id]; ok {
		return result
	}
	return ""
}

func (r *results) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, id)
}
