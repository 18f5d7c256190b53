package asynqx

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
)

// recorder is a Redis client that records asynq's enqueue calls, so that a thousand tasks are sent as one
// pipeline. asynq still validates and encodes each task.
type recorder struct {
	redis.UniversalClient
	queues []any
	calls  []call
}

// call is a call of one of asynq's enqueue scripts that has not been sent.
type call struct {
	script     *enqueueScript
	task, into string // keys of the task, and of the list or zset that takes it
	args       [taskArgs]any
}

// taskArgs is the number of arguments of enqueue.lua for each task: asynq's three and one of ours.
const taskArgs = 4

// scriptTasks and scriptBytes bound what one script enqueues, so that it takes about half a millisecond: Redis serves
// others in between.
const (
	scriptTasks = 64
	scriptBytes = 256 << 10
)

// enqueueScript is one of asynq's two enqueue scripts inside enqueue.lua.
type enqueueScript struct {
	source, sha string
	whenFull    *enqueueScript // the same for a full Redis
}

// enqueueScripts maps the SHA-1 of asynq's own scripts to ours.
var enqueueScripts sync.Map

// noScriptError is Redis's error for an unknown script: asynq then sends its text.
type noScriptError struct{}

func (noScriptError) Error() string { return "NOSCRIPT not seen by this process yet" }
func (noScriptError) RedisError()   {}

var _ redis.Error = noScriptError{}

var errNotSupported = errors.New("asynq's options Unique and Group are not supported")

func newRecorder(rdb redis.UniversalClient) *recorder { return &recorder{UniversalClient: rdb} }

// SAdd records the registration of a queue. It happens once per queue and batch, so it also restores a queue
// removed by FLUSHDB or DeleteQueue.
func (r *recorder) SAdd(ctx context.Context, _ string, members ...any) *redis.IntCmd {
	r.queues = append(r.queues, members...)
	cmd := redis.NewIntCmd(ctx)
	cmd.SetVal(1)
	return cmd
}

// EvalSha records a call of one of asynq's scripts, whose text is known.
func (r *recorder) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	script, known := enqueueScripts.Load(sha)
	switch {
	case len(keys) != 2 || len(args) != taskArgs-1: // of a unique task or a group
		cmd.SetErr(errNotSupported)
		return cmd
	case !known:
		cmd.SetErr(noScriptError{})
		return cmd
	}
	c := call{script: script.(*enqueueScript), task: keys[0], into: keys[1]}
	copy(c.args[:], args)
	r.calls = append(r.calls, c)
	cmd.SetVal(int64(1)) // "enqueued": flush gets the real reply
	return cmd
}

// Eval stores the text of one of asynq's scripts, then records the call.
func (r *recorder) Eval(ctx context.Context, source string, keys []string, args ...any) *redis.Cmd {
	whole := wakeSource + manySource + fairSource + "local function enqueue(KEYS, ARGV)\n" + source + "\nend\n" + enqueueSource
	enqueueScripts.Store(shaOf(source), &enqueueScript{
		source: whole, sha: shaOf(whole), whenFull: &enqueueScript{source: enqueuesWhenFull + whole, sha: shaOf(enqueuesWhenFull + whole)},
	})
	return r.EvalSha(ctx, shaOf(source), keys, args...)
}

func shaOf(source string) string {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// complete adds to a call what asynq does not know, and corrects its times, which are of this host's clock.
func (c *call) complete(t Task, now time.Time) {
	if c.isPending() {
		c.args[2], c.args[3] = now.UnixNano(), t.Sender // ARGV 3 of asynq's enqueueCmd
	} else {
		c.args[3] = !t.Owed
		if !t.At.IsZero() {
			c.args[1] = t.At.Unix() // ARGV 2 of asynq's scheduleCmd
		}
	}
	if t.Owed {
		c.script = c.script.whenFull
	}
}

// bytes is the size of the task.
func (c *call) bytes() int {
	encoded, _ := c.args[0].([]byte)
	return len(encoded)
}

func (c *call) isPending() bool { return strings.HasSuffix(c.into, ":pending") }

// group are calls that one script makes: of the same script, for the same queue.
type group struct {
	script *enqueueScript
	into   string
	calls  []int // indices of recorder.calls
	bytes  int   // of the tasks
}

// takes reports whether a call may join.
func (g *group) takes(c call) bool {
	return g != nil && g.script == c.script && g.into == c.into && len(g.calls) < scriptTasks && g.bytes+c.bytes() <= scriptBytes
}

// groups returns the calls in groups, which keep the order of each queue.
func (r *recorder) groups() []*group {
	var all []*group
	open := map[string]*group{} // by queue
	for i, c := range r.calls {
		queue := queueOf(c.into)
		if !open[queue].takes(c) {
			open[queue] = &group{script: c.script, into: c.into}
			all = append(all, open[queue])
		}
		open[queue].calls = append(open[queue].calls, i)
		open[queue].bytes += c.bytes()
	}
	return all
}

// flush sends the recorded calls and returns one error, or nil, per call.
func (r *recorder) flush(ctx context.Context) []error {
	results := make([]error, len(r.calls))
	if len(r.calls) == 0 {
		return results
	}
	unknown := r.send(ctx, r.groups(), results)
	if len(unknown) > 0 && r.loadScripts(ctx, unknown, results) {
		r.send(ctx, unknown, results)
	}
	return results
}

// send runs groups as one pipeline and returns those whose script the server
// does not know: on first use, after SCRIPT FLUSH or a failover.
func (r *recorder) send(ctx context.Context, groups []*group, results []error) (unknown []*group) {
	cmds := make([]*redis.Cmd, len(groups))
	// The pipeline's own error is that of its first failed command; each
	// command carries its own.
	_, _ = r.UniversalClient.Pipelined(durability.Promised(ctx), func(p redis.Pipeliner) error {
		p.SAdd(ctx, allQueues, r.queues...)
		for i, g := range groups {
			keys, args := r.arguments(g)
			cmds[i] = p.EvalSha(ctx, g.script.sha, keys, args...)
		}
		return nil
	})
	for i, g := range groups {
		replies, err := cmds[i].Slice()
		if redis.HasErrorPrefix(err, "NOSCRIPT") {
			unknown = append(unknown, g)
		}
		for j, c := range g.calls {
			results[c] = confirm(replies, j, err)
		}
	}
	return unknown
}

// arguments are the keys and arguments of enqueue.lua.
func (r *recorder) arguments(g *group) ([]string, []any) {
	names, args := make([]string, 0, 3+len(g.calls)), make([]any, 0, taskArgs*len(g.calls))
	names = append(names, g.into)
	if r.calls[g.calls[0]].isPending() {
		queue := queueOf(g.into)
		names = append(names, queueKey(queue, "scheduled"), keys.Senders(queue))
	}
	for _, c := range g.calls {
		names = append(names, r.calls[c].task)
		args = append(args, r.calls[c].args[:]...)
	}
	return names, args
}

// loadScripts loads the scripts of the given groups, on every shard of a cluster.
func (r *recorder) loadScripts(ctx context.Context, unknown []*group, results []error) bool {
	loaded := map[*enqueueScript]bool{}
	for _, g := range unknown {
		if loaded[g.script] {
			continue
		}
		loaded[g.script] = true
		if err := r.UniversalClient.ScriptLoad(ctx, g.script.source).Err(); err != nil {
			for _, failed := range unknown {
				for _, c := range failed.calls {
					results[c] = &RedisError{Err: err}
				}
			}
			return false
		}
	}
	return true
}

// refusal is Redis's error for one task of a script.
type refusal string

func (r refusal) Error() string { return string(r) }
func (r refusal) RedisError()   {}

// confirm reads the reply to task i of a script, or the script's error.
func confirm(replies []any, i int, err error) error {
	if err != nil {
		return &RedisError{Err: err}
	}
	if i >= len(replies) {
		return &RedisError{Err: fmt.Errorf("%d replies are too few", len(replies))}
	}
	switch reply := replies[i].(type) {
	case int64:
		switch reply {
		case 1:
			return nil
		case 0:
			return asynq.ErrTaskIDConflict
		}
	case string:
		return &RedisError{Err: refusal(reply)}
	}
	return &RedisError{Err: fmt.Errorf("asynq's script replied %v: its version changed", replies[i])}
}
