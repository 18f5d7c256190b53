package sim_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// rest is the longest time after which a process looks again at idle queues, leases the same while tasks are
	// active, and looks the shortest.
	rest, leases, looks = 5 * time.Minute, 20 * time.Second, 5 * time.Second
	// staleKeys is how late a key may expire.
	staleKeys = 250 * time.Millisecond
	never     = time.Duration(math.MaxInt64)
	// presence is how often a worker reports to the dashboard: all commands within a heartbeat.
	presence, heartbeat = 5 * time.Minute, 5 * time.Second
)

// watch is a [redis.Hook] of every client. It expires keys before a command, and lets waiting processes look
// again after it. A process does not poll its queues while they are empty, and its servers report to the
// dashboard every five minutes instead of every five seconds: otherwise these commands would be nearly all of a
// run.
type watch struct {
	*world
	process *process // nil for the clients of others
}

// DialHook implements [redis.Hook].
func (h watch) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements [redis.Hook].
func (h watch) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := h.beat(); err != nil {
			return err
		}
		if h.process != nil && isLook(cmds) {
			h.delay(cmds)
			h.expireKeys()
			return next(context.WithoutCancel(ctx), cmds) // it has waited longer than requested
		}
		h.expireKeys()
		defer h.stir()
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			h.checkReply(cmd)
		}
		return err
	}
}

// ProcessHook implements [redis.Hook].
func (h watch) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := h.beat(); err != nil {
			cmd.SetErr(err)
			return err
		}
		if h.process != nil && h.process.network.open() {
			if isPresence(cmd) && time.Since(h.process.began)%presence >= heartbeat || h.findsNothing(cmd) || h.hasNoTask(cmd) {
				return nil
			}
		}
		if h.answers(cmd) {
			return nil
		}
		h.expireKeys()
		defer h.stir()
		err := next(ctx, cmd)
		h.checkReply(cmd)
		return err
	}
}

// answers replies in place of Redis to frequent reads: the time, and the content of an empty index.
func (h watch) answers(cmd redis.Cmder) bool {
	if h.process != nil && !h.process.network.open() {
		return false
	}
	switch cmd := cmd.(type) {
	case *redis.TimeCmd:
		cmd.SetVal(h.timeOfRedis())
		return true
	case *redis.StringSliceCmd:
		key, _ := cmd.Args()[1].(string)
		return cmd.Name() == "zrevrange" && !h.redis.Exists(key)
	}
	return false
}

// isPresence recognises the commands with which asynq's servers report that they are running.
func isPresence(cmd redis.Cmder) bool {
	args := cmd.Args()
	for _, arg := range args[:min(4, len(args))] {
		if key, _ := arg.(string); slices.Contains([]string{"asynq:queues", "asynq:servers", "asynq:workers"}, key) || strings.HasPrefix(key, "asynq:servers:{") {
			return true
		}
	}
	return false
}

// findsNothing answers a script that looks for expired tasks, if there are none.
func (h watch) findsNothing(cmd redis.Cmder) bool {
	script, _ := cmd.(*redis.Cmd)
	args := cmd.Args()
	if script == nil || len(args) < 4 || args[2] != 1 {
		return false
	}
	set, _ := args[3].(string)
	switch {
	case !strings.HasPrefix(set, "asynq:{"):
		return false
	case strings.HasSuffix(set, ":completed") && h.first(set) > 0:
		script.SetVal(int64(0))
	case h.redis.Exists(set):
		return false
	case strings.HasSuffix(set, ":lease"):
		script.SetVal([]any{})
	case strings.HasSuffix(set, ":aggregation_sets"):
		script.SetVal("OK")
	case strings.HasSuffix(set, ":archived"):
		script.SetVal([]any{int64(0), int64(0), int64(1)}) // internal/asynqx/sweep.lua
	default:
		return false
	}
	return true
}

// hasNoTask answers our dequeue (internal/asynqx/dequeue.lua), which it recognises by its seven keys and six
// arguments, if there is no task to take.
func (h watch) hasNoTask(cmd redis.Cmder) bool {
	args := cmd.Args()
	script, _ := cmd.(*redis.Cmd)
	if len(args) != 16 || script == nil {
		return false
	}
	pending, _ := args[3].(string)
	last, _ := args[7].(string)
	name, _ := args[12].(string)
	queue, isOne := strings.CutSuffix(pending, ":pending")
	if taken, err := h.redis.Get(last); !isOne || err == nil && strings.HasPrefix(taken, name+"\n") {
		return false
	}
	wait := h.soonest(queue)
	if wait <= 0 {
		return false
	}
	script.SetVal([]any{"", strconv.FormatInt(wait.Milliseconds()+1, 10)})
	return true
}

// isLook recognises a process's look at its queues (internal/asynqx/bells.go).
func isLook(cmds []redis.Cmder) bool {
	return !slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool {
		if cmd.Name() != "exists" {
			return true
		}
		key, _ := cmd.Args()[1].(string)
		return !strings.HasPrefix(key, "asynq:{")
	})
}

// delay delays a look until it finds something. A process is usually notified before.
func (h watch) delay(cmds []redis.Cmder) {
	began := time.Now()
	for h.process.network.open() {
		changed, wait := h.changes(), rest
		for _, cmd := range cmds {
			queue := strings.TrimSuffix(cmd.Args()[1].(string), ":pending")
			if wait = min(wait, h.soonest(queue)); h.redis.Exists(queue + ":lease") {
				wait = min(wait, leases-time.Since(began))
			}
		}
		wait = max(wait, looks-time.Since(began))
		if wait <= 0 {
			return
		}
		select {
		case <-time.After(wait):
		case <-changed:
		case <-h.process.network.died:
		case <-h.process.stopping:
			return
		}
	}
}

// soonest is how long a queue will have no task to take, unless something happens.
func (w *world) soonest(queue string) time.Duration {
	if paused := queue + ":paused"; w.redis.Exists(paused) {
		w.expireKeys()
		if left := w.redis.TTL(paused); left > 0 {
			return min(rest, left+staleKeys)
		}
		return rest
	}
	if w.redis.Exists(queue + ":pending") {
		return 0
	}
	return min(rest, w.first(queue+":scheduled"), w.first(queue+":retry"))
}

// first is in how long the first task of a set is due, [never] if it is empty.
func (w *world) first(set string) time.Duration {
	members, err := w.redis.ZMembers(set)
	if err != nil || len(members) == 0 {
		return never
	}
	due, _ := w.redis.ZScore(set, members[0]) // 0 if it was just taken
	return time.Unix(int64(due), 0).Sub(w.timeOfRedis())
}

// changes is closed after the next command that is not an idle one.
func (w *world) changes() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// stir wakes the idle workers once everything at this moment is done, including the command in Redis.
func (w *world) stir() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stirring {
		return
	}
	w.stirring = true
	time.AfterFunc(time.Millisecond, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		close(w.changed)
		w.changed, w.stirring = make(chan struct{}), false
	})
}

// expireKeys expires keys: miniredis checks all of them each time, which would take most of the run at every call.
func (w *world) expireKeys() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if passed := now.Sub(w.expired); passed >= staleKeys {
		w.redis.FastForward(passed)
		w.expired = now
	}
	w.setClock(now)
}

// setClock sets the time of Redis, once its clock has been set. The caller holds the mutex.
func (w *world) setClock(now time.Time) {
	if len(w.steps) > 0 {
		w.redis.SetTime(now.Add(w.ahead))
	}
}

// timeOfRedis is the time of Redis's clock.
func (w *world) timeOfRedis() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}
