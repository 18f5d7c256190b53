package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/tasks"
)

// testKeyLife is when the key that a test writes expires.
const testKeyLife = time.Minute

// master is a Redis that has keys of ours.
type master struct {
	client redis.UniversalClient
	addr   string   // in a cluster
	keys   []string // to test it with, one for each slot of ours
}

// mastersOf returns the masters of a cluster that have the slots of these apps and of
// asynq, or the only Redis.
func mastersOf(ctx context.Context, rdb redis.UniversalClient, apps []string) ([]master, error) {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		return []master{{client: rdb, keys: []string{keys.Ready("")}}}, nil
	}
	var masters []master
	for _, key := range testKeys(apps) {
		node, err := cluster.MasterForKey(ctx, key)
		if err != nil {
			return nil, err
		}
		addr := node.Options().Addr
		i := slices.IndexFunc(masters, func(m master) bool { return m.addr == addr })
		if i < 0 {
			masters = append(masters, master{client: node, addr: addr})
			i = len(masters) - 1
		}
		masters[i].keys = append(masters[i].keys, key)
	}
	return masters, nil
}

// testKeys returns a key in each slot that these apps need.
func testKeys(apps []string) []string {
	all := []string{keys.Ready("asynq:queues"), keys.Ready("asynq:servers"), keys.Ready("asynq:workers")}
	for _, app := range apps {
		all = append(all, keys.Ready(app))
		for _, priority := range tasks.Priorities() {
			all = append(all, keys.Ready(tasks.Queue(app, priority)))
		}
	}
	return all
}

// test returns why a master cannot store anything, nil if it can. rdb leads to the current owner of its slot.
func (m master) test(ctx context.Context, rdb redis.UniversalClient, url string) error {
	return redisconn.ExplainNode(url, m.addr, rdb.Set(durability.Promised(ctx), m.keys[0], "1", testKeyLife).Err())
}
