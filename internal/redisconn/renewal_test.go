package redisconn_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

func TestTheWrongNodeIsLeft(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"READONLY You can't write against a read only replica.",
		"ERR READONLY You can't write against a read only replica.",
		"ERR Error running script (call to f_0): @user_script:1: -READONLY You can't write against a read only replica.",
		"LOADING Redis is loading the dataset in memory",
		"ERR LOADING Redis is loading the dataset in memory",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"ERR MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			proxy := redistest.Start(t).Proxy()
			client := openAll(t, proxy, 30)

			proxy.Refuse(answer)

			set := func(pipe redis.Pipeliner) error { return pipe.Set(t.Context(), "k", "v", 0).Err() }
			waittest.Until(t, "a command succeeds", func() bool {
				return client.Set(t.Context(), "k", "v", 0).Err() == nil
			})
			for range 30 { // whichever connection they take
				if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
					t.Fatalf("a connection is still with the wrong node: %v", err)
				}
				if _, err := client.Pipelined(t.Context(), set); err != nil {
					t.Fatalf("a connection for pipelines is still with the wrong node: %v", err)
				}
			}
		})
	}
}

func TestAPipelineLeavesTheWrongNode(t *testing.T) {
	t.Parallel()
	proxy := redistest.Start(t).Proxy()
	client := openAll(t, proxy, 3)
	proxy.Refuse("ERR READONLY You can't write against a read only replica.")
	waittest.Until(t, "a pipeline succeeds", func() bool {
		_, err := client.TxPipelined(t.Context(), func(pipe redis.Pipeliner) error {
			return pipe.Set(t.Context(), "k", "v", 0).Err()
		})
		return err == nil
	})
}

func TestOtherErrorsEndNoConnection(t *testing.T) {
	t.Parallel()
	proxy := redistest.Start(t).Proxy()
	client := openAll(t, proxy, 2)
	if err := client.Set(t.Context(), "k", "READONLY LOADING", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.LPush(t.Context(), "k", "READONLY").Err(); err == nil {
		t.Fatal("pushed to a string")
	}
	proxy.Refuse("ERR unknown command")
	for range 4 {
		if err := client.Set(t.Context(), "k", "v", 0).Err(); err == nil {
			t.Fatal("a connection was ended by an error that has nothing to do with it")
		}
	}
}

// openAll returns a client with n idle connections to the proxy.
func openAll(t *testing.T, proxy *redistest.Proxy, n int) redis.UniversalClient {
	t.Helper()
	client, err := redisconn.Open(proxy.URL(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	single := client.(*redis.Client)
	conns := make([]*redis.Conn, n)
	for i := range conns {
		conns[i] = single.Conn()
		if err := conns[i].Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	if proxy.Open() < n {
		t.Fatalf("%d connections are open, want %d", proxy.Open(), n)
	}
	return client
}
