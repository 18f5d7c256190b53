package redisconn_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

// startTCP starts a Redis that listens at a TCP port as well, and returns its address.
func startTCP(t *testing.T, config ...string) string {
	t.Helper()
	addr := closedPort(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	redistest.Start(t, append([]string{"bind 127.0.0.1", "port " + port}, config...)...)
	return addr
}

// ping opens a URL and returns the error of the first command, explained.
func ping(t *testing.T, url string) error {
	t.Helper()
	client, err := redisconn.Open(url, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), waittest.Patience)
	defer cancel()
	return redisconn.Explain(url, client.Ping(ctx).Err())
}

func TestExplainSentinel(t *testing.T) {
	t.Parallel()
	locked := startTCP(t, "requirepass hunter2")
	monitor := "sentinel monitor mymaster " + strings.ReplaceAll(locked, ":", " ") + " 1"
	open, closed := redistest.StartSentinel(t, monitor), redistest.StartSentinel(t, monitor, "requirepass s3cret")
	for name, tt := range map[string]struct{ url, want string }{
		"a wrong master_name": {
			"redis-sentinel://" + open + "?master_name=wrong",
			`Sentinel knows no master "wrong" (correct master_name; SENTINEL MASTERS lists the names)`,
		},
		"one of two Sentinels does not answer": {
			"redis-sentinel://" + open + "?master_name=wrong&addr=" + closedPort(t),
			`Sentinel knows no master "wrong" (correct`,
		},
		"no password for Sentinel": {
			"redis-sentinel://" + closed + "?master_name=mymaster&password=hunter2",
			"Sentinel requires a password (its own stands before the host",
		},
		"a wrong password for Sentinel": {
			"redis-sentinel://:hunter2@" + closed + "?master_name=mymaster&password=hunter2",
			"wrong user name or password of Sentinel (they stand before the host",
		},
		"no password for the servers": {
			"redis-sentinel://:s3cret@" + closed + "?master_name=mymaster",
			"the server behind Sentinel requires a password (append &password= to the URL)",
		},
		"no Sentinel": {
			"redis-sentinel://" + closedPort(t) + "?master_name=mymaster",
			"no Sentinel answers (check the addresses in the URL): dial tcp",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ping(t, tt.url)
			if err == nil || !strings.Contains(err.Error(), ": "+tt.want) {
				t.Fatalf("Explain = %v\nwant %s", err, tt.want)
			}
			for _, secret := range []string{"hunter2", "s3cret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a password: %v", err)
				}
			}
		})
	}
	if err := ping(t, "redis-sentinel://:s3cret@"+closed+"?master_name=mymaster&password=hunter2"); err != nil {
		t.Errorf("with both passwords: %v", err)
	}
}

func TestExplainMaxClients(t *testing.T) {
	t.Parallel()
	addr := startTCP(t, "maxclients 1")
	holder := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = holder.Close() })
	waittest.Until(t, "the only connection is taken", func() bool { return holder.Ping(t.Context()).Err() == nil })
	if err := ping(t, "redis://"+addr); err == nil || !strings.Contains(err.Error(), "maxclients") {
		t.Errorf("Explain = %v, want it to name maxclients", err)
	}
}
