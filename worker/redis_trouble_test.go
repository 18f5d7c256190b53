//go:build unix

package worker_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// flight is how long calls take that are under way when the trouble begins: their
// answers come in the middle of it.
const flight = time.Second

func TestRedisInTrouble(t *testing.T) {
	t.Parallel()
	do := func(args ...any) func(*testing.T, *redistest.Server) {
		return func(t *testing.T, s *redistest.Server) {
			t.Helper()
			if err := s.Client().Do(t.Context(), args...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		strike, heal func(*testing.T, *redistest.Server)
		lasts        time.Duration
	}{
		"it is killed and comes back": {
			strike: func(_ *testing.T, s *redistest.Server) { s.Kill() },
			heal:   func(_ *testing.T, s *redistest.Server) { s.Restart() }, lasts: 2 * time.Second,
		},
		"it does not answer": {
			strike: func(_ *testing.T, s *redistest.Server) { s.Freeze() },
			heal:   func(_ *testing.T, s *redistest.Server) { s.Thaw() }, lasts: 4 * time.Second,
		},
		"it is full":      {strike: do("config", "set", "maxmemory", "1"), heal: do("config", "set", "maxmemory", "0"), lasts: 2 * time.Second},
		"it is read-only": {strike: do("replicaof", "127.0.0.1", "1"), heal: do("replicaof", "no", "one"), lasts: 2 * time.Second},
		"its disk is full": { // it refuses to write
			strike: do("config", "set", "min-replicas-to-write", "1"),
			heal:   do("config", "set", "min-replicas-to-write", "0"), lasts: 2 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redisServer(t)
			sim, url := newSimulator(t, wecomtest.Rules{})
			tr := newTrouble(t, server.Client(), server.URL(), sim, url)
			tr.work()
			ids := tr.send("before", 3)
			tr.await()
			ids = append(ids, tr.fly(10, flight)...)
			ids = append(ids, tr.send("queued", 20)...)

			tc.strike(t, server)
			before := tr.calls.calls.Load()
			<-time.After(tc.lasts)
			if rate := float64(tr.calls.calls.Load()-before) / tc.lasts.Seconds(); rate > 200 {
				t.Errorf("%.0f calls a second while Redis is unavailable", rate)
			}
			tc.heal(t, server)

			tr.lose()
			tr.await()
			tr.sentOnce(ids...)
			tr.quiet(1)
		})
	}
}

func TestScriptsThatRedisForgetsAreToldAgain(t *testing.T) {
	t.Parallel()
	server := redisServer(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	tr.work()
	ids := tr.send("a", 100)
	waittest.Until(t, "all have arrived", func() bool {
		if err := tr.rdb.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return len(sim.Messages()) == len(ids)
	})
	tr.await()
	tr.sentOnce(ids...)
	if strings.Contains(tr.log.String(), `"level":"error"`) {
		t.Error("the log complains")
	}
}

func TestAFailoverLosesNothingThatWasReplicated(t *testing.T) {
	t.Parallel()
	ports := []string{freeport.New(t), freeport.New(t)}
	master := redisServer(t, "bind 127.0.0.1\nport "+ports[0])
	replica := redisServer(t, "bind 127.0.0.1\nport "+ports[1]+"\nreplicaof 127.0.0.1 "+ports[0]+"\nrepl-diskless-sync-delay 0")
	net := newNetwork(t, "127.0.0.1:"+ports[0])
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, master.Client(), "redis://"+net.addr(), sim, url)
	waittest.Until(t, "the replica is in step", func() bool {
		return strings.Contains(replica.Client().Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
	tr.work()
	ids := tr.fly(10, flight)
	ids = append(ids, tr.send("queued", 20)...)
	if n, err := master.Client().Do(t.Context(), "wait", 1, 10_000).Int(); n != 1 {
		t.Fatal("not replicated: ", err)
	}

	master.Freeze() // it is gone for the worker, and nothing more is replicated
	net.cut()
	if err := replica.Client().SlaveOf(t.Context(), "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	master.Kill()
	<-time.After(time.Second)
	net.lead("127.0.0.1:" + ports[1])

	tr.rdb = replica.Client()
	tr.lose()
	tr.await()
	tr.sentOnce(ids...)
	tr.quiet(0)
}

func TestABadNetworkToRedis(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		toxic, attributes string
		lasts             time.Duration
		trouble           bool // that the log tells of
	}{
		"a slow one": {toxic: "latency", attributes: `{"latency":100,"jitter":50}`, lasts: 2 * time.Second},
		"one that breaks off in the middle of a reply": {toxic: "limit_data", attributes: `{"bytes":1500}`, lasts: 3 * time.Second},
		"one that swallows everything":                 {toxic: "timeout", attributes: `{"timeout":0}`, lasts: 4 * time.Second, trouble: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := freeport.New(t)
			server := redisServer(t, "bind 127.0.0.1\nport "+port)
			net := newNetwork(t, "127.0.0.1:"+port)
			sim, url := newSimulator(t, wecomtest.Rules{})
			tr := newTrouble(t, server.Client(), "redis://"+net.addr(), sim, url)
			tr.work()
			ids := tr.fly(10, flight)
			net.spoil(tc.toxic, tc.attributes)
			ids = append(ids, tr.send("queued", 40)...)
			before := tr.calls.calls.Load()
			<-time.After(tc.lasts)
			if rate := float64(tr.calls.calls.Load()-before) / tc.lasts.Seconds(); tc.trouble && rate > 200 {
				t.Errorf("%.0f calls a second while Redis is unavailable", rate)
			}
			net.restore()
			tr.lose()
			tr.await()
			tr.sentOnce(ids...)
			if tc.trouble {
				tr.quiet(1)
			}
		})
	}
}

func TestAcknowledgementsThatFailedAreRepeated(t *testing.T) {
	t.Parallel()
	server := redisServer(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	until := time.Now().Add(time.Second)
	broken := func(cmd redis.Cmder) bool { return isAcknowledgement(cmd) && time.Now().Before(until) }
	tr.calls.fails.Store(&broken)
	ids := tr.send("a", 5)
	ids = append(ids, tr.sendCritical("b", 5)...) // the lane's other server
	tr.work()
	for _, queue := range []string{"ops:default", "ops:critical"} {
		inspector := asynq.NewInspectorFromRedisClient(tr.rdb)
		waittest.Until(t, "queue "+queue+" is done", func() bool {
			info, err := inspector.GetQueueInfo(queue)
			return err == nil && info.Completed == 5
		})
	}
	tr.sentOnce(ids...)
	if n := tr.taken.Load(); n != int64(len(ids)) {
		t.Errorf("%d messages were taken from the queues, want %d: each once", n, len(ids))
	}
}

func TestARecordOutlivesItsTask(t *testing.T) {
	t.Parallel()
	server := redisServer(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	const records = 50 * time.Millisecond
	tr.app.RecordTTL = records
	broken := isAcknowledgement
	tr.calls.fails.Store(&broken)
	ids := tr.send("a", 3)
	stop := tr.work()
	waittest.Until(t, "all outcomes are on record", func() bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return tr.rdb.HGet(t.Context(), recordKey(id), "state").Val() != "accepted" })
	})
	stop()
	// The queue rests, perhaps paused, for longer than records are kept.
	tr.rdb.Set(t.Context(), "later", 1, 2*records)
	waittest.Until(t, "that time is over", func() bool { return tr.rdb.Exists(t.Context(), "later").Val() == 0 })
	tr.lose()
	tr.await()
	if n := len(sim.Messages()); n != len(ids) {
		t.Errorf("%d messages arrived, want %d: each once", n, len(ids))
	}
	waittest.Until(t, "the records end after their tasks", func() bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return tr.rdb.Exists(t.Context(), recordKey(id)).Val() > 0 })
	})
}

func TestALostReplyCostsNoAttempt(t *testing.T) {
	t.Parallel()
	for name, is := range map[string]func(redis.Cmder) bool{
		"to an attempt that was written down": isAdmission,
		"to an outcome that was written down": func(cmd redis.Cmder) bool { return strings.Contains(key(cmd, 6), ":msgid:") },
		"to an acknowledgement":               isAcknowledgement,
		"to a dequeue":                        isDequeue,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redisServer(t)
			sim, url := newSimulator(t, wecomtest.Rules{})
			tr := newTrouble(t, server.Client(), server.URL(), sim, url)
			var replies atomic.Int64
			everySecond := func(cmd redis.Cmder) bool { return is(cmd) && replies.Add(1)%2 == 1 }
			tr.calls.loses.Store(&everySecond)
			ids := tr.send("a", 20)
			tr.work()
			tr.await()
			tr.sentOnce(ids...)
			waittest.Until(t, "a reply was lost, and another was not", func() bool { return replies.Load() >= 2 })
			if n := tr.taken.Load(); n != int64(len(ids)) {
				t.Errorf("%d messages were taken from the queue, want %d: each once", n, len(ids))
			}
		})
	}
}

func TestAfterRedisLostItsDataTheWorkerGoesOn(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, *redistest.Server){
		"it restarts without AOF": func(_ *testing.T, s *redistest.Server) { s.Restart() },
		"somebody flushes it": func(t *testing.T, s *redistest.Server) {
			t.Helper()
			if err := s.Client().FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			sim, url := newSimulator(t, wecomtest.Rules{})
			tr := newTrouble(t, server.Client(), server.URL(), sim, url)
			tr.app = newApp(t, tr.redis, url, tasks.MaxCallTimeout) // no answer before the loss
			tr.work()
			flying := tr.fly(10, time.Hour)
			lose(t, server)
			tr.sim.ClearFaults()
			waittest.Until(t, "the queues are registered again", func() bool {
				return tr.rdb.SCard(t.Context(), "asynq:queues").Val() == int64(len(tasks.Priorities()))
			})
			ids := tr.send("after", 10)
			tr.await()
			waittest.Until(t, "what was in flight is on record", func() bool {
				return !slices.ContainsFunc(flying, func(id string) bool { return tr.rdb.Exists(t.Context(), recordKey(id)).Val() == 0 })
			})
			if n := len(sim.Messages()); n != len(flying)+len(ids) {
				t.Errorf("%d messages arrived, want %d", n, len(flying)+len(ids))
			}
		})
	}
}

func recordKey(id string) string { return keys.Record("ops", id) }

func TestAFullRedisStillTakesOutcomes(t *testing.T) {
	t.Parallel()
	server := redisServer(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	tr.work()
	ids := append(tr.fly(10, flight), tr.send("queued", 20)...)
	// Nothing that is sent makes room: others fill it.
	if err := tr.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	inspector := asynq.NewInspectorFromRedisClient(tr.rdb)
	waittest.Until(t, "the calls in flight and what was queued are recorded and acknowledged", func() bool {
		info, err := inspector.GetQueueInfo("ops:default")
		return err == nil && info.Active == 0 && info.Processed == len(ids)
	})
	tr.sentOnce(ids...)
}

func TestAWorkerThatStopsWhileRedisIsAwayTellsWhatItCouldNotRecord(t *testing.T) {
	t.Parallel()
	server := redisServer(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	tr.app.Timeout = time.Millisecond // of the worker's, which bounds its patience; the client has its own
	stop := tr.work()
	ids := tr.fly(1, flight)
	server.Kill()
	began := time.Now()
	stop()
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s to stop, want 10s and a little", took)
	}
	lost := ""
	for line := range strings.Lines(tr.log.String()) {
		if strings.Contains(line, "the outcome is lost") {
			lost += line
		}
	}
	if !strings.Contains(lost, ids[0]) || !strings.Contains(lost, sim.Messages()[0].MsgID) {
		t.Errorf("the log says %q, want it to name the message and WeCom's msgid", lost)
	}
}

func TestABadNetworkToWeCom(t *testing.T) {
	t.Parallel()
	checked := func(common *message.SendRequestCommon) { common.EnableDuplicateCheck = 1 }
	for name, toxic := range map[string][2]string{
		"one that is slower than the time-out":         {"latency", `{"latency":2500}`},
		"one that breaks off in the middle of a reply": {"limit_data", `{"bytes":100}`},
		"one that resets connections":                  {"reset_peer", `{"timeout":0}`},
		"one that swallows everything":                 {"timeout", `{"timeout":0}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redisServer(t)
			sim, url := newSimulator(t, wecomtest.Rules{})
			net := newNetwork(t, strings.TrimPrefix(url, "http://"))
			tr := newTrouble(t, server.Client(), server.URL(), sim, "http://"+net.addr())
			impatient := newApp(t, tr.redis, "http://"+net.addr(), shortTimeout)
			tr.app.Sender, tr.app.Timeout = impatient.Sender, impatient.Timeout
			if err := tr.app.Sender.CheckToken(context.Background()); err != nil {
				t.Fatal(err)
			}
			net.spoil(toxic[0], toxic[1])
			ids := tr.send("a", 10, checked)
			tr.work()
			tr.waitUnavailable()
			inDoubt := map[string]bool{}
			for _, id := range ids {
				inDoubt[id] = tr.rdb.HExists(t.Context(), recordKey(id), "unknown_since").Val()
			}
			net.restore()
			tr.await()
			for _, id := range ids {
				if r := tr.record(id); r.State != tasks.Accepted || (inDoubt[id] && r.Attempts < 2) || r.PossibleDuplicate {
					t.Errorf("record %+v, want it accepted, at a later attempt if one got no answer, unmarked", r)
				}
			}
			if stats := sim.Stats(); stats.Delivered != int64(len(ids)) {
				t.Errorf("%d messages were delivered, want %d: each once", stats.Delivered, len(ids))
			}
		})
	}
}

func TestAnAnswerThatIsWrittenLateIsInTimeForTheNextWorker(t *testing.T) {
	t.Parallel()
	server := redisServer(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	ownLedger := ledger.New(tr.redis, "ops", time.Hour)
	away := &forgetful{Ledger: ownLedger}
	away.failures.Store(1 << 30)
	tr.app.Ledger = away
	tr.work()
	ids := tr.send("a", 1)
	waittest.Until(t, "WeCom has answered", func() bool { return away.failures.Load() < 1<<30 })

	// Redis was away for so long that everything looks as if the worker were dead.
	tr.rdb.HSet(t.Context(), recordKey(ids[0]), "attempt_at", time.Now().Add(-time.Hour).UnixMilli())
	tr.app.Ledger = ownLedger
	tr.lose()
	away.failures.Store(0) // and now Redis is back: the first worker has some seconds to write
	waittest.Until(t, "the answer is written down", func() bool {
		state := tr.record(ids[0]).State
		if state == tasks.Unknown {
			t.Fatal("the next worker has already given up on it")
		}
		return state == tasks.Accepted
	})
	tr.await()
	tr.sentOnce(ids...)
}
