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
	// rest is the longest that a process waits before it looks again at queues that nothing
	// happens to, leases the same while tasks are in hand, and looks the shortest.
	rest, leases, looks = 5 * time.Minute, 20 * time.Second, 5 * time.Second
	// staleKeys is how late a key may expire.
	staleKeys = 250 * time.Millisecond
	never     = time.Duration(math.MaxInt64)
	// presence is how often a worker tells the dashboard that it is there: all that it says
	// within a heartbeat.
	presence, heartbeat = 5 * time.Minute, 5 * time.Second
)

// watch is a [redis.Hook] of every client. It lets keys expire before a command, and lets
// those look again who wait for something to happen after it. A process does not look at its
// queues while there is nothing in them, and its servers tell the dashboard of themselves
// every five minutes instead of every five seconds: that would be nearly all that a run does.
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
			return next(context.WithoutCancel(ctx), cmds) // it has waited for longer than asked
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

// answers says what Redis would to a question that changes nothing, and is asked often: the
// time, and what is in an index that is empty.
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

// isPresence knows the commands by which asynq's servers tell that they are there.
func isPresence(cmd redis.Cmder) bool {
	args := cmd.Args()
	for _, arg := range args[:min(4, len(args))] {
		if key, _ := arg.(string); slices.Contains([]string{"asynq:queues", "asynq:servers", "asynq:workers"}, key) || strings.HasPrefix(key, "asynq:servers:{") {
			return true
		}
	}
	return false
}

// findsNothing answers a script that looks for tasks that are over, where there is none.
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

// hasNoTask answers our dequeue (internal/asynqx/dequeue.lua), which it knows by its seven keys
// and six arguments, if there is nothing to take.
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

// isLook knows the look of a process at its queues (internal/asynqx/bells.go).
func isLook(cmds []redis.Cmder) bool {
	return !slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool {
		if cmd.Name() != "exists" {
			return true
		}
		key, _ := cmd.Args()[1].(string)
		return !strings.HasPrefix(key, "asynq:{")
	})
}

// delay holds up a look until it finds something. A process hears of nearly all before.
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

// soonest is how long a queue has nothing to take, at least if nothing happens.
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

// first is in how long the time of the first task of a set comes, [never] if it is empty.
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

// stir wakes the idle workers once everybody has done what there is to do at this moment,
// Redis with the command too.
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

// expireKeys ends the life of keys: miniredis looks at all of them each time, which at
// every call would take most of the run.
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

// setClock tells Redis the time, once its clock has been set. The caller holds the mutex.
func (w *world) setClock(now time.Time) {
	if len(w.steps) > 0 {
		w.redis.SetTime(now.Add(w.ahead))
	}
}

// timeOfRedis is what Redis's clock says.
func (w *world) timeOfRedis() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}
