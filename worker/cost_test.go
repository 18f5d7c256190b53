//go:build unix

package worker_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

// The tests in this file measure what a Redis that confirms before it is safe can cost.
// docs/semantics.md quotes them.

// TestAStormOfFailoversToALateReplica kills a primary whose replica is late, under load.
func TestAStormOfFailoversToALateReplica(t *testing.T) { //nolint:paralleltest // each storm has the machine for itself
	scale := scaleOfStorm(t)
	for name, safe := range map[string]bool{"durability: primary": false, "durability: replica": true} { //nolint:paralleltest // each storm has the machine for itself
		t.Run(name, func(t *testing.T) {
			port, second := freeport.New(t), freeport.New(t)
			lines := []string{"bind 127.0.0.1", "repl-diskless-sync-delay 0"}
			primary := redisServer(t, append(lines, "port "+port)...)
			between, front := newNetwork(t, "127.0.0.1:"+port), newNetwork(t, "127.0.0.1:"+port)
			_, proxy, _ := strings.Cut(between.addr(), ":")
			replica := redisServer(t, append(lines, "port "+second, "replicaof 127.0.0.1 "+proxy)...)
			waittest.Until(t, "the replica is in step", func() bool {
				return strings.Contains(replica.Client().Info(t.Context(), "replication").Val(), "master_link_status:up")
			})
			between.spoil("latency", `{"latency":300}`)
			sim, url := newSimulator(t, stormRules())
			tr := newTrouble(t, replica.Client(), "redis://"+front.addr(), sim, url)
			tr.app = stormy(tr.app)
			var hooks []func(redis.UniversalClient)
			if safe {
				hooks = append(hooks, durability.Require)
				durability.Require(tr.redis)
			}
			tr.work()
			load := tr.load("redis://"+front.addr(), 8, hooks...)
			began := time.Now()
			load.more(50 * scale)
			rate := float64(load.count()) / time.Since(began).Seconds()
			front.cut()
			primary.Kill()
			if err := replica.Client().SlaveOf(t.Context(), "no", "one").Err(); err != nil {
				t.Fatal(err)
			}
			front.lead("127.0.0.1:" + second)
			if !safe { // there is no replica now that could confirm
				load.more(50 * scale)
			}
			load.end()
			tr.lose()
			tr.awaitWithin(stormPatience)
			b := tr.books(load)
			t.Logf("at %.0f messages a second: %s; %d of the lost did not arrive", rate, b, b.absent)
			if safe && len(b.lost)+len(b.unmarked) > 0 {
				t.Errorf("lost %v, doubled unmarked %v", b.lost, b.unmarked)
			}
		})
	}
}

// TestAStormOfPowerCutsUnderEverysec makes power cuts that take what was written in the
// last second, as appendfsync everysec allows.
func TestAStormOfPowerCutsUnderEverysec(t *testing.T) { //nolint:paralleltest // each storm has the machine for itself
	cuts := scaleOfStorm(t)
	port := freeport.New(t)
	c := &powerCut{
		server: redistest.Start(t, "bind 127.0.0.1", "port "+port, "appendonly yes", "appendfsync everysec", "auto-aof-rewrite-percentage 0", "aof-load-truncated yes"),
		net:    newNetwork(t, "127.0.0.1:"+port), random: rand.New(rand.NewPCG(1, 2)), generation: 1,
	}
	sim, url := newSimulator(t, stormRules())
	c.trouble = newTrouble(t, c.server.Client(), "redis://"+c.net.addr(), sim, url)
	c.app = stormy(c.app)
	c.work()
	load, exposed := c.load("redis://"+c.net.addr(), 4), 0
	for range cuts {
		load.more(100)
		exposed += c.strikeLastSecond(load)
	}
	load.end()
	c.lose()
	c.awaitWithin(stormPatience)
	b := c.books(load)
	t.Logf("%d power cuts, %d messages acknowledged in their last seconds: %s; %d of the lost did not arrive", cuts, exposed, b, b.absent)
	if b.absent > exposed {
		t.Errorf("%d messages did not arrive, more than the %d that were acknowledged in the seconds before the cuts", b.absent, exposed)
	}
}

// strikeLastSecond cuts the power, and takes what was written in the last second. It
// returns how many messages were acknowledged meanwhile.
func (c *powerCut) strikeLastSecond(l *load) int {
	c.Helper()
	synced, before := c.size(), l.count()
	<-time.After(time.Second)
	c.net.cut()
	c.server.Kill()
	c.truncate(synced)
	c.server.Restart()
	c.rewrite()
	exposed := l.count() - before
	c.net.start()
	return exposed
}
