package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/audit/audittest"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// trouble is a worker whose Redis or WeCom gets into trouble, and a good connection
// to both for the test.
type trouble struct {
	*testing.T
	rdb   redis.UniversalClient // the test's own
	sim   *wecomtest.Simulator
	app   worker.App
	redis redis.UniversalClient // the worker's
	calls *callCounter
	// neighbours are other apps of the worker.
	neighbours []worker.App
	log        *logtest.Transcript
	taken      atomic.Int64 // from the queues
}

// newTrouble connects a worker with the Redis at redisURL and the WeCom at wecomURL
// of a simulator.
func newTrouble(t *testing.T, rdb redis.UniversalClient, redisURL string, sim *wecomtest.Simulator, wecomURL string) *trouble {
	t.Helper()
	workers, err := redisconn.Open(redisURL, 32)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trouble{T: t, rdb: rdb, sim: sim, redis: workers, calls: &callCounter{}, log: &logtest.Transcript{}}
	workers.AddHook(tr.calls)
	tr.app = newApp(t, workers, wecomURL, callTimeout)
	tr.app.OnUnknown = worker.Park // a message that WeCom may have taken would show
	t.Cleanup(func() {
		_ = workers.Close()
		if t.Failed() {
			t.Logf("log of the workers:\n%s", tr.log)
		}
	})
	return tr
}

// newApp is the simulator's app as a worker has it, with its token in Redis.
func newApp(t *testing.T, rdb redis.UniversalClient, wecomURL string, timeout time.Duration) worker.App {
	t.Helper()
	app, err := makeApp(rdb, wecomURL, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func makeApp(rdb redis.UniversalClient, wecomURL string, timeout time.Duration) (worker.App, error) {
	client, err := wecom.NewClient(wecom.Config{
		CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: wecomURL, Timeout: timeout,
		TokenStore: tokenstore.New(rdb, "ops", wecomtest.CorpID, wecomtest.Secret),
	})
	return worker.App{Name: "ops", AgentID: strconv.Itoa(wecomtest.AgentID), Sender: client, Timeout: timeout}, err
}

const (
	// callTimeout is long: on a busy machine the simulator answers late.
	callTimeout = 30 * time.Second
	// shortTimeout is for calls that are never answered.
	shortTimeout = 2 * time.Second
)

func newSimulator(t *testing.T, rules wecomtest.Rules) (sim *wecomtest.Simulator, url string) {
	t.Helper()
	sim, err := wecomtest.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, server.URL
}

// work starts the worker.
func (tr *trouble) work() (stop func()) {
	tr.Helper()
	return tr.run(tr.redis, zerolog.New(tr.log))
}

func (tr *trouble) run(rdb redis.UniversalClient, log zerolog.Logger) (stop func()) {
	tr.Helper()
	w, err := worker.New(worker.Config{
		Redis: rdb, Apps: append([]worker.App{tr.app}, tr.neighbours...), Logger: log,
		OnDequeued: func(string, tasks.Priority, time.Duration) { tr.taken.Add(1) },
	})
	if err != nil {
		tr.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := w.Run(ctx); err != nil {
			tr.Errorf("the worker died: %v", err)
		}
	})
	stop = func() {
		cancel()
		ended.Wait()
	}
	tr.Cleanup(stop)
	return stop
}

// send enqueues n messages, each to a member of its own whose name begins so.
func (tr *trouble) send(members string, n int, change ...func(*message.SendRequestCommon)) []string {
	tr.Helper()
	return tr.enqueue(members, n, producer.Options{}, change...)
}

// sendCritical does so with critical ones.
func (tr *trouble) sendCritical(members string, n int) []string {
	tr.Helper()
	return tr.enqueue(members, n, producer.Options{Priority: tasks.Critical})
}

func (tr *trouble) enqueue(members string, n int, options producer.Options, change ...func(*message.SendRequestCommon)) []string {
	tr.Helper()
	p, err := producer.New(tr.rdb, producer.Config{App: tr.app.Name})
	if err != nil {
		tr.Fatal(err)
	}
	ids := make([]string, n)
	for i := range n {
		request := text(fmt.Sprint(members, i), "x")
		for _, apply := range change {
			apply(request.SendRequestCommon)
		}
		receipt, err := p.Send(tr.Context(), request, options)
		if err != nil {
			tr.Fatal(err)
		}
		ids[i] = receipt.ID
	}
	return ids
}

// fly sends n messages and returns when their calls are under way; their answers
// come after a while.
func (tr *trouble) fly(n int, takes time.Duration) []string {
	tr.Helper()
	err := tr.sim.AddFault(wecomtest.Fault{API: message.APISend, Delay: wecomtest.Duration(takes), After: true, Times: n})
	if err != nil {
		tr.Fatal(err)
	}
	ids := tr.send("flying", n)
	waittest.Until(tr.T, "the calls are under way", func() bool { return tr.sim.Faults()[0].Fired == n })
	return ids
}

// queue is that of all messages of the trouble that are not critical.
func (tr *trouble) queue() string { return tasks.Queue(tr.app.Name, tasks.Default) }

// await waits until the queue is done with everything. What a worker does not do by
// itself within minutes, another one does, as if that time had passed.
func (tr *trouble) await() {
	tr.Helper()
	tr.awaitWithin(waittest.Patience)
}

func (tr *trouble) awaitWithin(patience time.Duration) {
	tr.Helper()
	inspector := asynq.NewInspectorFromRedisClient(tr.rdb)
	tr.Cleanup(tr.tellUnfinished)
	waittest.Within(tr.T, patience, "all messages are finished", func() bool {
		info, err := inspector.GetQueueInfo(tr.queue())
		if err == nil && info.Retry > 0 {
			_, _ = inspector.RunAllRetryTasks(tr.queue())
		}
		return err == nil && info.Pending+info.Active+info.Retry+info.Scheduled == 0
	})
}

// tellUnfinished logs what a failed test has left in the queue.
func (tr *trouble) tellUnfinished() {
	if !tr.Failed() {
		return
	}
	ctx, base := context.Background(), "asynq:{"+tr.queue()+"}:"
	tr.Logf("pending %d, active %v", tr.rdb.LLen(ctx, base+"pending").Val(), tr.rdb.LRange(ctx, base+"active", 0, 9).Val())
	for _, set := range []string{"lease", "retry", "scheduled"} {
		tr.Log(set, tr.rdb.ZRangeWithScores(ctx, base+set, 0, 9).Val())
	}
}

// lose makes the worker look dead to another one, which knows nothing of the trouble: it
// takes over whatever that has not acknowledged, and what was lost on the way to it.
func (tr *trouble) lose() {
	tr.Helper()
	ids, past := tr.rdb.ZRange(tr.Context(), "asynq:{"+tr.queue()+"}:lease", 0, -1).Val(), time.Now().Add(-time.Minute)
	tr.endLeases(ids, past)
	go tr.keepFromExtending(ids, past)
	tr.run(tr.rdb, zerolog.Nop())
}

// keepFromExtending undoes the heartbeats of the worker, as if none came through, until
// its tasks are handed over.
func (tr *trouble) keepFromExtending(ids []string, past time.Time) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for len(ids) > 0 {
		select {
		case <-tick.C:
		case <-tr.Context().Done():
			return
		}
		ids = tr.endLeases(ids, past)
	}
}

// endLeases sets leases to have ended long ago, and returns those that are still there.
func (tr *trouble) endLeases(ids []string, past time.Time) []string {
	leases := "asynq:{" + tr.queue() + "}:lease"
	return slices.DeleteFunc(ids, func(id string) bool {
		tr.rdb.ZAddXX(tr.Context(), leases, redis.Z{Score: float64(past.Unix()), Member: id})
		return errors.Is(tr.rdb.ZScore(tr.Context(), leases, id).Err(), redis.Nil)
	})
}

// sentOnce checks that each message was accepted at its first attempt, and arrived
// once.
func (tr *trouble) sentOnce(ids ...string) {
	tr.Helper()
	for _, id := range ids {
		if r := tr.record(id); r.State != tasks.Accepted || r.Attempts != 1 || r.PossibleDuplicate {
			tr.Errorf("record %+v, want it accepted at the first attempt", r)
		}
	}
	if n := len(tr.sim.Messages()); n != len(ids) {
		tr.Errorf("%d messages arrived, want %d: each once", n, len(ids))
	}
	audittest.Balanced(tr, tr.rdb, tr.app.Name)
}

func (tr *trouble) record(id string) tasks.Record {
	tr.Helper()
	r, err := ledger.New(tr.rdb, tr.app.Name, time.Hour).Record(tr.Context(), id)
	if err != nil {
		tr.Error(err)
	}
	return r
}

// quiet checks that the log tells of the trouble once, or of none that was too short
// to be noticed, and complains of nothing else.
func (tr *trouble) quiet(want int) {
	tr.Helper()
	complaints := map[string]int{}
	for line := range strings.Lines(tr.log.String()) {
		var event struct{ Level, Message string }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			tr.Fatalf("%v in %s", err, line)
		}
		if event.Level == "warn" || event.Level == "error" {
			complaints[event.Message]++
		}
	}
	told := 0
	maps.DeleteFunc(complaints, func(message string, n int) bool {
		is := strings.HasPrefix(message, "Redis is unavailable; messages wait") || strings.HasPrefix(message, "Redis is full: it takes no new")
		if is {
			told += n
		}
		return is || message == "Redis has recovered"
	})
	if told > 1 || told < want {
		tr.Errorf("the log tells %d times that Redis is unavailable or full, want once", told)
	}
	if len(complaints) > 0 {
		tr.Errorf("the log complains of %v as well", complaints)
	}
}

// callCounter counts the commands that a client is asked for, each with the tries
// that go-redis makes by itself. It can make some of them fail, and lose the replies
// to others.
type callCounter struct {
	calls        atomic.Int64
	fails, loses atomic.Pointer[func(redis.Cmder) bool]
}

var errCut = errors.New("write: broken pipe")

func (c *callCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.calls.Add(1)
		if fails := c.fails.Load(); fails != nil && (*fails)(cmd) {
			cmd.SetErr(errCut)
			return errCut
		}
		err := next(ctx, cmd)
		if loses := c.loses.Load(); err == nil && loses != nil && (*loses)(cmd) {
			cmd.SetErr(errCut)
			return errCut
		}
		return err
	}
}

func (c *callCounter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *callCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// key is the n-th key of a script that is called, counted from 1; "" when there is none.
func key(cmd redis.Cmder, n int) string {
	args := cmd.Args()
	if !strings.HasPrefix(cmd.Name(), "eval") || len(args) <= 2+n {
		return ""
	}
	key, _ := args[2+n].(string)
	return key
}

// isAcknowledgement knows the script with which asynq completes a task.
func isAcknowledgement(cmd redis.Cmder) bool {
	return strings.HasSuffix(key(cmd, 1), ":active") && strings.HasSuffix(key(cmd, 3), ":completed")
}

// isAdmission knows the script that writes an attempt down.
func isAdmission(cmd redis.Cmder) bool {
	return strings.HasSuffix(key(cmd, 1), ":pace") && strings.Contains(key(cmd, 7), ":record:")
}

// redisServer starts a Redis that keeps what it has answered.
func redisServer(t *testing.T, config ...string) *redistest.Server {
	t.Helper()
	return redistest.Start(t, append(config, redistest.AppendOnly)...)
}

func isDequeue(cmd redis.Cmder) bool {
	return strings.HasSuffix(key(cmd, 1), ":pending") && strings.HasSuffix(key(cmd, 2), ":paused")
}
