package redisconn_test

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

// opened has the properties of a client that the tests check.
type opened struct {
	Kind, Addr, Username, Password string
	DB                             int
	TLS                            bool
}

func describe(client redis.UniversalClient) opened {
	switch c := client.(type) {
	case *redis.ClusterClient:
		o := c.Options()
		return opened{Kind: "cluster", Addr: strings.Join(o.Addrs, " "), Username: o.Username, Password: o.Password, TLS: o.TLSConfig != nil}
	case *redis.Client:
		o := c.Options()
		return opened{Kind: "single", Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB, TLS: o.TLSConfig != nil}
	}
	return opened{}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url  string
		want opened
	}{
		"plain":                       {"redis://127.0.0.1:6379/3", opened{Kind: "single", Addr: "127.0.0.1:6379", DB: 3}},
		"with a user of an ACL":       {"redis://bob:p%40ss@h:1", opened{Kind: "single", Addr: "h:1", Username: "bob", Password: "p@ss"}},
		"with TLS":                    {"rediss://h", opened{Kind: "single", Addr: "h:6379", TLS: true}},
		"by unix socket":              {"unix://:pw@/run/r.sock?db=2", opened{Kind: "single", Addr: "/run/r.sock", Password: "pw", DB: 2}},
		"by Sentinel":                 {"redis-sentinel://h:26379/1?master_name=m&addr=i:26379&password=pw", opened{Kind: "single", Addr: "FailoverClient", Password: "pw", DB: 1}},
		"by Sentinel with TLS":        {"rediss-sentinel://h?master_name=m", opened{Kind: "single", Addr: "FailoverClient", TLS: true}},
		"a cluster":                   {"redis-cluster://bob:pw@h:1?addr=i:2", opened{Kind: "cluster", Addr: "h:1 i:2", Username: "bob", Password: "pw"}},
		"a cluster with TLS":          {"rediss-cluster://h:1", opened{Kind: "cluster", Addr: "h:1", TLS: true}},
		"a cluster with its database": {"redis-cluster://h:1/0", opened{Kind: "cluster", Addr: "h:1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := redisconn.Open(tt.url, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
			if diff := cmp.Diff(tt.want, describe(client)); diff != "" {
				t.Errorf("Open(%q) (-want +got):\n%s", tt.url, diff)
			}
		})
	}
}

func TestOpenReachesTheServer(t *testing.T) {
	t.Parallel()
	client, err := redisconn.Open(redistest.Start(t).URL(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestPoolSize(t *testing.T) {
	t.Parallel()
	atLeast := 10 * runtime.GOMAXPROCS(0)
	tests := map[string]struct {
		url     string
		workers int
		want    int
	}{
		"has a connection per worker and some more": {url: "redis://h", workers: 1000, want: 1016},
		"is never below the default of go-redis":    {url: "redis://h", workers: 0, want: max(16, atLeast)},
		"is what the URL says":                      {url: "redis://h?pool_size=7", workers: 1000, want: 7},
		"is the same with Sentinel":                 {url: "redis-sentinel://h?master_name=m", workers: 1000, want: 1016},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := redisconn.Open(tt.url, tt.workers)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
			if got := client.(*redis.Client).Options().PoolSize; got != tt.want {
				t.Errorf("pool size = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAClusterIsWatched(t *testing.T) {
	t.Parallel()
	type watch struct {
		Reload, Dial, Read time.Duration
		Dials              int
	}
	for name, tt := range map[string]struct {
		url  string
		want watch
	}{
		"closely":            {"redis-cluster://h:1", watch{Reload: 2 * time.Second, Dial: 2 * time.Second, Read: 3 * time.Second, Dials: 1}},
		"as the URL says it": {"redis-cluster://h:1?dial_timeout=4s&read_timeout=6s&dialer_retries=3", watch{Reload: 2 * time.Second, Dial: 4 * time.Second, Read: 6 * time.Second, Dials: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := redisconn.Open(tt.url, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
			o := client.(*redis.ClusterClient).Options()
			if diff := cmp.Diff(tt.want, watch{Reload: o.ClusterStateReloadInterval, Dial: o.DialTimeout, Read: o.ReadTimeout, Dials: o.DialerRetries}); diff != "" {
				t.Errorf("Open(%q) (-want +got):\n%s", tt.url, diff)
			}
		})
	}
}

func TestOpenRejects(t *testing.T) {
	t.Parallel()
	const syntax = `not a URL (in a user name or password, write @ / ? # % : as %40 %2F %3F %23 %25 %3A)`
	tests := map[string]struct{ url, want string }{
		"nothing":                            {"", `no scheme (want something like redis://127.0.0.1:6379/0)`},
		"a host without a scheme":            {"127.0.0.1:6379", `no scheme (want something like redis://127.0.0.1:6379/0)`},
		"another scheme":                     {"http://h", `unknown scheme "http" (want redis, rediss, unix, redis-sentinel or redis-cluster)`},
		"an unknown variant of a scheme":     {"unix-cluster:///x", `unknown scheme "unix-cluster" (want redis, rediss, unix, redis-sentinel or redis-cluster)`},
		"a database that is no number":       {"redis://h/db0", `the path is not the number of a database (want something like redis://127.0.0.1:6379/0)`},
		"an unknown option":                  {"redis://h?pool=1", `unexpected option: pool`},
		"a relative socket":                  {"unix://run/r.sock", `not an absolute path (want three slashes: unix:///run/redis.sock)`},
		"a socket without a path":            {"unix://", `not an absolute path (want three slashes: unix:///run/redis.sock)`},
		"Sentinel without a master":          {"redis-sentinel://h:26379", `no master_name (append ?master_name= and the name that Sentinel knows)`},
		"a bad option of Sentinel":           {"redis-sentinel://h?master_name=m&pool_size=x", `invalid pool_size number: strconv.Atoi: parsing "x": invalid syntax`},
		"a database on a cluster":            {"redis-cluster://h/1", `database "1" (Redis Cluster has only database 0)`},
		"a bad address of a cluster":         {"redis-cluster://h?addr=i", `unable to parse addr param: i`},
		"a password with a raw slash":        {"redis://:hunter/2@h/0", syntax},
		"a numeric password with a slash":    {"redis://:123/hunter2@h/0", syntax},
		"a password with a raw percent":      {"redis://:hunter%zz@h", syntax},
		"a password with a raw hash":         {"redis://:1#hunter@h", syntax},
		"a password with a question mark":    {"redis://:1?hunter@h", syntax},
		"a password with an at and a slash":  {"redis://:a@hunter/c@h", syntax},
		"several hosts in front of the path": {"redis-cluster://h:1,i:2", "several hosts (write one, and each other one as ?addr=host:port)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := redisconn.Open(tt.url, 0)
			if err == nil || err.Error() != "redis url: "+tt.want {
				t.Errorf("Open(%q) = %v\nwant redis url: %s", tt.url, err, tt.want)
			}
			if err := redisconn.Validate(tt.url); err == nil || err.Error() != tt.want {
				t.Errorf("Validate(%q) = %v\nwant %s", tt.url, err, tt.want)
			}
		})
	}
}

func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	if err := redisconn.Validate("redis://127.0.0.1:6379/0"); err != nil {
		t.Error(err)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ url, want string }{
		"leaves a URL without a password alone":  {"redis://h:1/0?pool_size=3", "redis://h:1/0?pool_size=3"},
		"hides the password":                     {"redis://bob:hunter2@h/0", "redis://bob:xxxxx@h/0"},
		"hides the one behind Sentinel as well":  {"redis-sentinel://:a@h/0?master_name=m&password=b", "redis-sentinel://:xxxxx@h/0?master_name=m&password=xxxxx"},
		"hides one in the user's place":          {"redis://hunter2@h/0", "redis://xxxxx@h/0"},
		"hides one in the path":                  {"redis://h/hunter2", "redis://h/xxxxx"},
		"hides parameters that it does not know": {"redis://h/0?auth=hunter2&pool_size=3", "redis://h/0?auth=xxxxx&pool_size=3"},
		"leaves a socket alone":                  {"unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"},
		"hides all of what it cannot parse":      {"redis://:hun/ter2@h/0", "(invalid URL)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := redisconn.Redact(tt.url); got != tt.want {
				t.Errorf("Redact(%q) = %q, want %q", tt.url, got, tt.want)
			}
		})
	}
}

// FuzzRedact proves that a secret anywhere in a URL is not shown.
func FuzzRedact(f *testing.F) {
	f.Add("redis", "bob", "h:1", "0", "pool_size=3")
	f.Add("redis-sentinel", "", "h", "", "password=x&addr=h2")
	f.Add("unix", "", "", "/run/redis.sock", "db=1")
	const secret = "hunter2secret"
	f.Fuzz(func(t *testing.T, scheme, user, host, path, query string) {
		for _, raw := range []string{
			scheme + "://" + user + ":" + secret + "@" + host + "/" + path + "?" + query,
			scheme + "://" + secret + "@" + host + "/" + path + "?" + query,
			scheme + "://" + user + "@" + host + "/" + path + "?" + query + "&password=" + secret,
			scheme + "://" + user + "@" + host + "/" + path + "?" + query + "&auth=" + secret,
		} {
			if shown := redisconn.Redact(raw); strings.Contains(shown, secret) {
				t.Errorf("%s is shown as %s", raw, shown)
			}
			if err := redisconn.Validate(raw); err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", raw, err)
			}
		}
	})
}

// A process with hundreds of apps wants that many connections at its start only.
func TestABurstLeavesFewConnections(t *testing.T) {
	t.Parallel()
	const burst, kept = 150, 100
	server := redistest.Start(t)
	client, err := redisconn.Open(server.URL(), burst)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	var waiting sync.WaitGroup
	for range burst {
		waiting.Go(func() { _ = client.BLPop(t.Context(), 0, "list").Err() })
	}
	observer := server.Client()
	clients := func(field string) string { return observer.InfoMap(t.Context(), "clients").Val()["Clients"][field] }
	waittest.Until(t, "all wait", func() bool { return clients("blocked_clients") == strconv.Itoa(burst) })
	for range burst {
		if err := observer.LPush(t.Context(), "list", 1).Err(); err != nil {
			t.Fatal(err)
		}
	}
	waiting.Wait()
	waittest.Until(t, "the others are closed", func() bool { return clients("connected_clients") == strconv.Itoa(kept+1) }) // with observer's
}
