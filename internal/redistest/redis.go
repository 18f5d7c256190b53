package redistest

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/redisconn"
)

// Topology is an environment variable. With the value cluster or sentinel, what New, NewURL and StartAny start is a
// Redis Cluster, or a server behind a Sentinel.
const Topology = "WECOMQ_TEST_REDIS"

// Redis is an empty Redis of any topology that only one test uses.
type Redis struct {
	URL string

	tb     testing.TB
	open   func() redis.UniversalClient
	server *Server // nil unless it is a single one
}

// New returns a client of an empty Redis. Without a redis-server binary that is the embedded one; a test that cannot
// use it calls Start.
func New(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	if missing(tb) {
		return newClient(tb, &redis.Options{Addr: startEmbedded(tb).Addr()})
	}
	return StartAny(tb).Client()
}

// NewURL returns the address of such a Redis.
func NewURL(tb testing.TB) string {
	tb.Helper()
	if missing(tb) {
		return startEmbedded(tb).URL()
	}
	return StartAny(tb).URL
}

// StartAny starts a Redis for this test, with lines of redis.conf for each of its servers.
func StartAny(tb testing.TB, config ...string) *Redis {
	tb.Helper()
	switch topology := os.Getenv(Topology); topology {
	case "":
		server := Start(tb, config...)
		return &Redis{URL: server.URL(), server: server, tb: tb, open: server.Client}
	case "cluster":
		cluster := StartCluster(tb, config...)
		return &Redis{URL: cluster.URL(), tb: tb, open: cluster.Client}
	case "sentinel":
		return startWatched(tb, config)
	default:
		tb.Fatalf("%s=%s is neither cluster nor sentinel", Topology, topology)
		return nil
	}
}

// Client returns a new client, closed with the test.
func (r *Redis) Client() redis.UniversalClient { return r.open() }

// Single returns the server, or skips the test if there are several: what happens to a Cluster or to servers behind a
// Sentinel is another matter, with tests of its own.
func (r *Redis) Single() *Server {
	r.tb.Helper()
	if r.server == nil {
		r.tb.Skipf("SKIPPED: this test needs a single server, and %s is %s", Topology, os.Getenv(Topology))
	}
	return r.server
}

// startWatched starts a server that a Sentinel watches.
func startWatched(tb testing.TB, config []string) *Redis {
	tb.Helper()
	port := freeport.New(tb)
	Start(tb, append([]string{"bind 127.0.0.1", "port " + port}, config...)...)
	sentinel := StartSentinel(tb, "sentinel monitor primary 127.0.0.1 "+port+" 1")
	return &Redis{URL: "redis-sentinel://" + sentinel + "?master_name=primary", tb: tb, open: func() redis.UniversalClient {
		client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "primary", SentinelAddrs: []string{sentinel}})
		tb.Cleanup(func() { _ = client.Close() })
		return client
	}}
}

// Keys returns the keys that match a pattern, in all masters of a Cluster.
func Keys(tb testing.TB, rdb redis.UniversalClient, pattern string) []string {
	tb.Helper()
	var all []string
	err := redisconn.Scan(tb.Context(), rdb, []string{pattern}, func(_ redis.UniversalClient, names []string) error {
		all = append(all, names...)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	slices.Sort(all)
	return slices.Compact(all) // a scan may return a key twice
}

// Flush deletes all keys, in all masters of a Cluster.
func Flush(tb testing.TB, rdb redis.UniversalClient) {
	tb.Helper()
	err := redisconn.EachMaster(tb.Context(), rdb, func(ctx context.Context, node redis.UniversalClient) error {
		return node.FlushDB(ctx).Err()
	})
	if err != nil {
		tb.Fatal(err)
	}
}
