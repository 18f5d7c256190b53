package asynqx

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

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

// call is an EVALSHA that has not been sent.
type call struct {
	sha  string
	keys []string
	args []any
}

// scriptTexts maps the SHA-1 of a script to its text, so that it can be loaded into a server that does not have
// it. There are four: asynq's two enqueue scripts made [waking], and the same with [beginsFree]. wakingOf
// maps the SHA-1 of asynq's scripts to that of ours.
var scriptTexts, wakingOf sync.Map

// noScriptError is Redis's error for an unknown script: asynq then sends its text.
type noScriptError struct{}

func (noScriptError) Error() string { return "NOSCRIPT not seen by this process yet" }
func (noScriptError) RedisError()   {}

var _ redis.Error = noScriptError{}

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
	ours, known := wakingOf.Load(sha)
	if !known {
		cmd.SetErr(noScriptError{})
		return cmd
	}
	r.calls = append(r.calls, call{ours.(string), keys, args})
	cmd.SetVal(int64(1)) // "enqueued": flush gets the real reply
	return cmd
}

// allowWhenFull makes the calls from the first one on work in a full Redis.
func (r *recorder) allowWhenFull(first int) {
	for i, c := range r.calls[first:] {
		source, _ := scriptTexts.Load(c.sha)
		r.calls[first+i].sha = cacheScript(beginsFree + source.(string))
	}
}

// cacheScript stores the text of a script and returns its SHA-1.
func cacheScript(source string) string {
	sha := shaOf(source)
	scriptTexts.Store(sha, source)
	return sha
}

func shaOf(source string) string {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// Eval stores the text of one of asynq's scripts, then records the call.
func (r *recorder) Eval(ctx context.Context, source string, keys []string, args ...any) *redis.Cmd {
	sha, ours := shaOf(source), source
	if len(keys) == 2 { // not a unique task or a group, which wecomq does not use
		ours = waking(source)
	}
	wakingOf.Store(sha, cacheScript(ours))
	return r.EvalSha(ctx, sha, keys, args...)
}

// retime corrects the times in the calls from the first one on: asynq took them from this
// host's clock.
func (r *recorder) retime(first int, at, now time.Time) {
	for _, c := range r.calls[first:] {
		switch set := c.keys[len(c.keys)-1]; {
		case len(c.keys) == 2 && strings.HasSuffix(set, ":scheduled") && !at.IsZero():
			c.args[1] = at.Unix() // ARGV 2 of asynq's scheduleCmd
		case len(c.keys) == 2 && strings.HasSuffix(set, ":pending"):
			c.args[2] = now.UnixNano() // ARGV 3 of asynq's enqueueCmd
		}
	}
}

// addOrder adds to the calls from the first one on the arguments of wake_enqueued.lua for the order between
// senders.
func (r *recorder) addOrder(first int, t Task) {
	for i, c := range r.calls[first:] {
		call := &r.calls[first+i]
		switch {
		case len(c.keys) != 2:
		case strings.HasSuffix(c.keys[1], ":pending"):
			queue := queueOf(c.keys[1])
			call.keys = append(slices.Clip(c.keys), queueKey(queue, "scheduled"), keys.Senders(queue))
			call.args = append(slices.Clip(c.args), t.Sender)
		case !t.Owed:
			call.args = append(slices.Clip(c.args), 1)
		}
	}
}

// flush sends the recorded calls and returns one error, or nil, per call.
func (r *recorder) flush(ctx context.Context) []error {
	results := make([]error, len(r.calls))
	if len(r.calls) == 0 {
		return results
	}
	all := make([]int, len(r.calls))
	for i := range all {
		all[i] = i
	}
	unknown := r.send(ctx, all, results)
	if len(unknown) > 0 && r.loadScripts(ctx, unknown, results) {
		r.send(ctx, unknown, results)
	}
	return results
}

// send runs the chosen calls as one pipeline and returns those whose script the server
// does not know: on first use, after SCRIPT FLUSH or a failover.
func (r *recorder) send(ctx context.Context, chosen []int, results []error) (unknown []int) {
	cmds := make([]*redis.Cmd, len(chosen))
	// The pipeline's own error is that of its first failed command; each
	// command carries its own.
	_, _ = r.UniversalClient.Pipelined(durability.Promised(ctx), func(p redis.Pipeliner) error {
		p.SAdd(ctx, allQueues, r.queues...)
		for i, c := range chosen {
			cmds[i] = p.EvalSha(ctx, r.calls[c].sha, r.calls[c].keys, r.calls[c].args...)
		}
		return nil
	})
	for i, c := range chosen {
		if redis.HasErrorPrefix(cmds[i].Err(), "NOSCRIPT") {
			unknown = append(unknown, c)
		}
		results[c] = confirm(cmds[i])
	}
	return unknown
}

// loadScripts loads the scripts of the given calls, on every shard of a cluster.
func (r *recorder) loadScripts(ctx context.Context, unknown []int, results []error) bool {
	taught := map[string]bool{}
	for _, c := range unknown {
		sha := r.calls[c].sha
		if taught[sha] {
			continue
		}
		taught[sha] = true
		source, _ := scriptTexts.Load(sha)
		if err := r.UniversalClient.ScriptLoad(ctx, source.(string)).Err(); err != nil {
			for _, failed := range unknown {
				results[failed] = &RedisError{Err: err}
			}
			return false
		}
	}
	return true
}
