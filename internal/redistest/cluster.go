package redistest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/waittest"
)

const (
	clusterMasters = 3
	clusterSlots   = 16384
)

// Cluster is a Redis Cluster: three masters with a share of the slots and a replica each. A replica takes over
// within seconds after its master is gone.
type Cluster struct {
	tb    testing.TB
	nodes []*Server // the masters first, then the replica of each
	ports []string
}

// StartCluster starts a cluster for this test, with lines of redis.conf for each node.
func StartCluster(tb testing.TB, config ...string) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb}
	for range 2 * clusterMasters {
		port, bus := freeport.New(tb), freeport.New(tb)
		c.ports = append(c.ports, port)
		c.nodes = append(c.nodes, Start(tb, append([]string{
			"bind 127.0.0.1", "port " + port, "cluster-enabled yes", "cluster-port " + bus,
			"cluster-node-timeout 1000", "repl-diskless-sync-delay 0",
		}, config...)...))
		c.do(len(c.nodes)-1, "cluster", "set-config-epoch", len(c.nodes))
		c.do(0, "cluster", "meet", "127.0.0.1", port, bus)
	}
	for i := range clusterMasters {
		first, end := i*clusterSlots/clusterMasters, (i+1)*clusterSlots/clusterMasters
		c.do(i, "cluster", "addslotsrange", first, end-1)
	}
	c.await("all know each other", func(info string) bool { return strings.Contains(info, "cluster_known_nodes:6") })
	for i := range clusterMasters {
		c.do(clusterMasters+i, "cluster", "replicate", c.do(i, "cluster", "myid"))
	}
	c.await("the cluster serves", func(info string) bool { return strings.Contains(info, "cluster_state:ok") })
	for i := range clusterMasters {
		replica := c.nodes[clusterMasters+i].Client()
		waittest.Until(tb, "a replica is in step", func() bool {
			return strings.Contains(replica.Info(tb.Context(), "replication").Val(), "master_link_status:up")
		})
	}
	return c
}

// URL returns the addresses of the masters as a URL of scheme redis-cluster.
func (c *Cluster) URL() string {
	return fmt.Sprintf("redis-cluster://127.0.0.1:%s?addr=127.0.0.1:%s&addr=127.0.0.1:%s", c.ports[0], c.ports[1], c.ports[2])
}

// Client returns a new client of the cluster that notices changes at once.
func (c *Cluster) Client() redis.UniversalClient {
	c.tb.Helper()
	options := &redis.ClusterOptions{
		ClusterStateReloadInterval: 1, DialTimeout: time.Second, DialerRetries: 1, ReadTimeout: time.Second,
	}
	for _, port := range c.ports {
		options.Addrs = append(options.Addrs, "127.0.0.1:"+port)
	}
	client := redis.NewClusterClient(options)
	c.tb.Cleanup(func() { _ = client.Close() })
	return client
}

// Of returns the master that was given a key's slot, and its replica.
func (c *Cluster) Of(key string) (master, replica *Server) {
	c.tb.Helper()
	_, i := c.slot(key)
	return c.nodes[i], c.nodes[clusterMasters+i]
}

// Addr returns host and port of the node that was given a key's slot.
func (c *Cluster) Addr(key string) string {
	c.tb.Helper()
	_, i := c.slot(key)
	return "127.0.0.1:" + c.ports[i]
}

// do runs a command on a node.
func (c *Cluster) do(node int, args ...any) any {
	c.tb.Helper()
	answer, err := c.nodes[node].Client().Do(c.tb.Context(), args...).Result()
	if err != nil {
		c.tb.Fatalf("%v: %v", args, err)
	}
	return answer
}

// await waits until CLUSTER INFO of each node is as expected.
func (c *Cluster) await(what string, happened func(info string) bool) {
	c.tb.Helper()
	for _, node := range c.nodes {
		client := node.Client()
		waittest.Until(c.tb, what, func() bool { return happened(client.ClusterInfo(c.tb.Context()).Val()) })
	}
}

// Migrate starts to move the slot of a key to the next master, and moves no key before finish.
func (c *Cluster) Migrate(key string) (finish func()) {
	c.tb.Helper()
	slot, from := c.slot(key)
	to := (from + 1) % clusterMasters
	source, target := c.do(from, "cluster", "myid"), c.do(to, "cluster", "myid")
	c.do(to, "cluster", "setslot", slot, "importing", source)
	c.do(from, "cluster", "setslot", slot, "migrating", target)
	return func() {
		c.tb.Helper()
		keys, _ := c.do(from, "cluster", "getkeysinslot", slot, math.MaxInt32).([]any)
		if len(keys) > 0 {
			c.do(from, append([]any{"migrate", "127.0.0.1", c.ports[to], "", 0, 10_000, "keys"}, keys...)...)
		}
		c.do(to, "cluster", "setslot", slot, "node", target)
		c.do(from, "cluster", "setslot", slot, "node", target)
	}
}

// slot returns the slot of a key, and the number of the master that was given it.
func (c *Cluster) slot(key string) (slot int64, master int) {
	c.tb.Helper()
	slot, _ = c.do(0, "cluster", "keyslot", key).(int64)
	return slot, (int(slot+1)*clusterMasters - 1) / clusterSlots
}
