package daemon_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

// found tells whether a check has found this about a Redis.
func found(findings []daemon.Finding, subject string, level daemon.Level, text string) bool {
	return slices.ContainsFunc(findings, func(f daemon.Finding) bool {
		return f.Subject == subject && f.Level == level && strings.Contains(f.Text, text)
	})
}

// set changes a setting of a server.
func set(t *testing.T, server *redistest.Server, setting, value string) {
	t.Helper()
	if err := server.Client().ConfigSet(t.Context(), setting, value).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryMasterOfAClusterIsChecked(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	d := daemontest.New(t, daemontest.Config{RedisURL: cluster.URL()})
	url, _ := d.Start(daemon.Config{Worker: true, Listen: "127.0.0.1:0"})
	ready := func() int { return call(t, http.MethodGet, url+"/readyz", "") }
	waittest.Until(t, "ready", func() bool { return ready() == http.StatusOK })
	for _, key := range []string{"{ops}", "{ops:critical}", "{ops:default}", "{ops:bulk}", "asynq:queues"} {
		master, _ := cluster.Of(key)
		subject := "redis " + cluster.Addr(key)

		set(t, master, "maxmemory-policy", "allkeys-lru")
		if findings := d.Check(t.Context(), false); !found(findings, subject, daemon.Fault, `maxmemory-policy is "allkeys-lru"`) {
			t.Errorf("the policy of the master of %s is not noticed: %+v", key, findings)
		}
		set(t, master, "maxmemory-policy", "noeviction")

		set(t, master, "maxmemory", "1")
		if findings := d.Check(t.Context(), false); !found(findings, subject, daemon.Fault, "node "+cluster.Addr(key)+": full, it refuses writes") {
			t.Errorf("check does not notice that the master of %s is full: %+v", key, findings)
		}
		waittest.Until(t, "not ready while the master of "+key+" is full", func() bool { return ready() == http.StatusServiceUnavailable })
		set(t, master, "maxmemory", "0")
		waittest.Until(t, "ready", func() bool { return ready() == http.StatusOK })
	}
	for _, f := range d.Check(t.Context(), false) {
		if f.Level == daemon.Fault {
			t.Errorf("a fault where there is none: %+v", f)
		}
	}

	cluster.Migrate("{ops}")
	if findings := d.Check(t.Context(), false); !found(findings, "redis "+cluster.Addr("{ops}"), daemon.Warning, "of {ops} is being moved") {
		t.Errorf("a slot that is being moved is not noticed: %+v", findings)
	}
}

func TestAWorkerSaysThatRedisIsMisconfigured(t *testing.T) {
	t.Parallel()
	const line = "Redis is misconfigured: maxmemory-policy is"
	server := redistest.Start(t, "maxmemory-policy volatile-lru")
	for _, tt := range []struct {
		policy string
		want   int
	}{{"volatile-lru", 1}, {"noeviction", 0}} {
		set(t, server, "maxmemory-policy", tt.policy)
		d := daemontest.New(t, daemontest.Config{RedisURL: server.URL()})
		d.Start(daemon.Config{Worker: true})
		awaitLog(t, d, `"lane is up"`, 1)
		if got := strings.Count(d.Log.String(), line); got != tt.want {
			t.Errorf("with %s the log says so %d times, want %d:\n%s", tt.policy, got, tt.want, d.Log)
		}
	}
}

func TestTheEmbeddedRedisIsFit(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no redis-server
	t.Setenv("CI", "")
	d := daemontest.New(t, daemontest.Config{})
	d.Start(daemon.Config{Worker: true})
	awaitLog(t, d, `"lane is up"`, 1)
	if strings.Contains(d.Log.String(), "misconfigured") {
		t.Errorf("the log complains:\n%s", d.Log)
	}
}
