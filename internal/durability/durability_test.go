//go:build unix

package durability_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

const increment = "return redis.call('INCR', KEYS[1])"

func TestAPromisedWriteWaitsForAReplica(t *testing.T) {
	t.Parallel()
	primary, replica, _ := redistest.StartReplicated(t)
	rdb := primary.Client()
	durability.Require(rdb)
	promised := durability.Promised(t.Context())
	script := redis.NewScript(increment)
	var n int
	waittest.Until(t, "the replica is quick enough", func() bool {
		var err error
		n, err = script.Run(promised, rdb, []string{"n"}).Int() // NOSCRIPT first
		return err == nil
	})
	if got, err := replica.Client().Get(t.Context(), "n").Int(); got != n || err != nil {
		t.Errorf("the replica has %d, %v; want %d", got, err, n)
	}
	replica.Freeze()
	if err := rdb.Incr(t.Context(), "other").Err(); err != nil {
		t.Errorf("nobody relies on it: %v", err)
	}
	_, err := rdb.Pipelined(promised, func(p redis.Pipeliner) error {
		p.Incr(promised, "n")
		p.LPush(promised, "n", "refused all the same")
		return nil
	})
	if _, ok := errors.AsType[*durability.UnconfirmedError](err); !ok || !strings.Contains(err.Error(), "durability: replica") {
		t.Errorf("without a replica: %v, want it unconfirmed", err)
	}
	if got, err := rdb.Get(t.Context(), "n").Int(); got != n+1 || err != nil {
		t.Errorf("n is %d, %v, want %d: it is stored", got, err, n+1)
	}
	replica.Thaw()
	waittest.Until(t, "the replica follows again", func() bool { return script.Run(promised, rdb, []string{"n"}).Err() == nil })
}

func TestEachNodeOfAClusterWaitsForItsOwnReplica(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{cluster.Addr("n")}})
	t.Cleanup(func() { _ = rdb.Close() })
	durability.Require(rdb)
	promised := durability.Promised(t.Context())
	_, err := rdb.Pipelined(promised, func(p redis.Pipeliner) error {
		for _, key := range []string{"a", "b", "c"} { // one for each master
			p.Eval(promised, increment, []string{key})
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		node, err := rdb.MasterForKey(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(node.Info(t.Context(), "commandstats").Val(), "cmdstat_wait:") {
			t.Errorf("the node of %s was not told to wait", key)
		}
	}
}
