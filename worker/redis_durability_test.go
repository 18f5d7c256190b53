//go:build unix

package worker_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// pair is a primary that dies while its replica is not in step, with a Sentinel.
type pair struct {
	*trouble
	primary, replica *redistest.Server
	sentinel         redis.UniversalClient
	url              string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	primary, replica, port := redistest.StartReplicated(t, redistest.AppendOnly)
	sentinel := redistest.StartSentinel(t, "sentinel monitor m 127.0.0.1 "+port+" 1",
		"sentinel down-after-milliseconds m 500", "sentinel failover-timeout m 2000")
	url := "redis-sentinel://" + sentinel + "?master_name=m"
	sim, wecomURL := newSimulator(t, wecomtest.Rules{})
	watcher, err := redisconn.Open("redis://"+sentinel, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watcher.Close() })
	f := &pair{
		trouble: newTrouble(t, primary.Client(), url, sim, wecomURL), primary: primary, replica: replica, sentinel: watcher, url: url,
	}
	waittest.Until(t, "Sentinel knows the replica", func() bool {
		replicas, _ := watcher.Do(t.Context(), "sentinel", "replicas", "m").Slice()
		return len(replicas) == 1
	})
	return f
}

// cutOff freezes the replica and ends its connection: what is stored from now on it will
// never get.
func (f *pair) cutOff() {
	f.Helper()
	f.replica.Freeze()
	if err := f.rdb.Do(f.Context(), "client", "kill", "type", "replica").Err(); err != nil {
		f.Fatal(err)
	}
}

// failOver kills the primary; the replica takes over.
func (f *pair) failOver() {
	f.Helper()
	f.primary.Kill()
	f.replica.Thaw()
	f.rdb = f.replica.Client()
	waittest.Until(f.T, "the replica has taken over", func() bool {
		return strings.Contains(f.rdb.Info(f.Context(), "replication").Val(), "role:master")
	})
	// On a busy machine Sentinel would take the new primary for dead as well, and fail over once more.
	if err := f.sentinel.Do(f.Context(), "sentinel", "set", "m", "down-after-milliseconds", 60_000).Err(); err != nil {
		f.Error(err)
	}
}

// follow makes the old primary a replica of the new one.
func (f *pair) follow() {
	f.Helper()
	f.primary.Restart()
	port := f.rdb.ConfigGet(f.Context(), "port").Val()["port"]
	if err := f.primary.Client().SlaveOf(f.Context(), "127.0.0.1", port).Err(); err != nil {
		f.Fatal(err)
	}
}

func TestAFailoverToAReplicaThatWasBehindDoublesMessages(t *testing.T) {
	t.Parallel()
	f := newPair(t)
	ids := f.send("queued", 20)
	waittest.Until(t, "they are replicated", func() bool { return f.rdb.Do(t.Context(), "wait", 1, 100).Val() == int64(1) })
	f.cutOff()
	f.work()
	f.await()
	f.failOver()
	f.lose()
	f.await()
	if n := len(f.sim.Messages()); n != 2*len(ids) {
		t.Errorf("%d messages arrived, want %d: docs/semantics.md says that each may be doubled", n, 2*len(ids))
	}
}

func TestWhatAReplicaHasConfirmedSurvivesTheFailover(t *testing.T) {
	t.Parallel()
	f := newPair(t)
	ids := f.send("queued", 20)
	waittest.Until(t, "they are replicated", func() bool { return f.rdb.Do(t.Context(), "wait", 1, 100).Val() == int64(1) })
	f.cutOff()
	durability.Require(f.redis)
	f.work()
	waittest.Until(t, "the worker waits for a replica", func() bool { return strings.Contains(f.log.String(), "no replica has confirmed") })
	p, err := producer.New(f.redis, producer.Config{App: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	send := func() (producer.Receipt, error) {
		return p.Send(t.Context(), text("keyed", "x"), producer.Options{IdempotencyKey: "once"})
	}
	_, err = send()
	if _, unconfirmed := errors.AsType[*producer.RedisError](err); !unconfirmed {
		t.Errorf("no replica has it, but the producer says %v", err)
	}
	if n := len(f.sim.Messages()); n > 0 {
		t.Errorf("%d messages were sent though no replica knows of it", n)
	}
	f.failOver()
	f.follow()
	waittest.Until(t, "the repeat is enqueued", func() bool {
		receipt, err := send()
		if err == nil {
			ids = append(ids, receipt.ID)
		}
		return err == nil
	})
	f.lose()
	f.await()
	f.sentOnce(ids...)
}
