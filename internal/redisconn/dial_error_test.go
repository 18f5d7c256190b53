package redisconn_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
)

// listen starts a TCP server that hands every connection to serve and returns its
// address.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	return listener.Addr().String()
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// socketURL returns the URL of a Redis with the password hunter2.
func socketURL(t *testing.T, user string) string {
	t.Helper()
	server := redistest.Start(t, `user default on >hunter2 ~* +@all`, `user reader on >hunter2 ~* +get`)
	return "unix://" + user + server.Addr
}

func TestExplain(t *testing.T) {
	t.Parallel()
	const quick = "?max_retries=-1"
	tests := map[string]struct {
		url  func(*testing.T) string
		want string
	}{
		"a closed port": {
			func(t *testing.T) string { return "redis://:hunter2@" + closedPort(t) + quick },
			"connection refused (is it running? start it with redis-server, or try wecomq demo, which needs none)",
		},
		"a socket that is not there": {
			func(t *testing.T) string { return "unix://" + t.TempDir() + "/s" + quick },
			"no such socket (is it running, and does its config name this unixsocket?)",
		},
		"a host that has no address": {
			func(*testing.T) string { return "redis://no-such-host.invalid" + quick },
			`no address for host "no-such-host.invalid" (check its name in the URL)`,
		},
		"a server that never answers": {
			func(t *testing.T) string {
				return "redis://" + listen(t, func(conn net.Conn) { t.Cleanup(func() { _ = conn.Close() }) }) + quick + "&read_timeout=50ms"
			},
			"no answer in time (check host, port and firewall; a TLS port needs rediss://)",
		},
		"a server that hangs up": {
			func(t *testing.T) string {
				return "redis://" + listen(t, func(conn net.Conn) { _ = conn.Close() }) + quick
			},
			"connection closed at once (a TLS port needs rediss://; a Redis with too many connections needs a higher maxclients)",
		},
		"with TLS, a server that hangs up": {
			func(t *testing.T) string {
				return "rediss://" + listen(t, func(conn net.Conn) { _ = conn.Close() }) + quick
			},
			"connection closed at once (a port without TLS needs redis://; a Redis with too many connections needs a higher maxclients)",
		},
		"with TLS, a server that never answers": {
			func(t *testing.T) string {
				return "rediss://" + listen(t, func(conn net.Conn) { t.Cleanup(func() { _ = conn.Close() }) }) + quick + "&dial_timeout=50ms&read_timeout=50ms"
			},
			"no answer in time (check host, port and firewall; a port without TLS needs redis://)",
		},
		"with TLS, a server that speaks plainly": {
			func(t *testing.T) string {
				return "rediss://" + listen(t, func(conn net.Conn) {
					t.Cleanup(func() { _ = conn.Close() })
					_, _ = conn.Write([]byte("-ERR Protocol error\r\n"))
				}) + quick
			},
			"the port does not speak TLS (write redis instead of rediss)",
		},
		"no password": {
			func(t *testing.T) string { return socketURL(t, "") + quick },
			"a password is required (write it into the URL: redis://:password@host:port)",
		},
		"a wrong password": {
			func(t *testing.T) string { return socketURL(t, ":wrong@") + quick },
			"wrong user name or password",
		},
		"a user without the right": {
			func(t *testing.T) string { return socketURL(t, "reader:hunter2@") + quick },
			"the user may not do this (NOPERM this user has no permissions to run the 'ping' command)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := tt.url(t)
			client, err := redisconn.Open(url, 1)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			t.Cleanup(cancel)

			err = redisconn.Explain(url, client.Ping(ctx).Err())

			if want := "redis at " + redisconn.Redact(url) + ": " + tt.want; err == nil || err.Error() != want {
				t.Errorf("Explain = %v\nwant %s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestExplainWhatStoresNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config      string
		want, brief string
	}{
		"a full one":                 {"maxmemory 1", "full, it refuses writes (maxmemory", "Redis: full, it refuses writes"},
		"one without its replicas":   {"min-replicas-to-write 1", "too few replicas, it refuses writes (bring", "Redis: too few replicas, it refuses writes"},
		"a replica":                  {"replicaof 127.0.0.1 1", "a replica, it refuses writes (point", "Redis: a replica, it refuses writes"},
		"one that lacks a right":     {"user default on nopass ~* +ping", "the user may not do this (NOPERM", "Redis: the user may not do this"},
		"a replica without contents": {"replicaof 127.0.0.1 1\nreplica-serve-stale-data no", "a replica", "Redis: a replica"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, strings.Split(tt.config, "\n")...)
			err := redisconn.Explain(server.URL(), server.Client().Set(t.Context(), "k", "v", 0).Err())
			dial, ok := errors.AsType[*redisconn.DialError](err)
			if !ok || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(dial.Brief(), tt.brief) {
				t.Errorf("Explain = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestBriefNamesNoHost(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		errors.New("dial tcp 10.0.0.7:6379: no route to host (really)"),
		&net.DNSError{Name: "redis.inner", IsNotFound: true}, errors.New("x"),
	} {
		dial, _ := errors.AsType[*redisconn.DialError](redisconn.Explain("redis://10.0.0.7:6379/3", cause))
		if got := dial.Brief(); got != "Redis cannot be used" {
			t.Errorf("Brief of %v = %q", cause, got)
		}
	}
}

func TestExplainKeepsTheError(t *testing.T) {
	t.Parallel()
	cause := errors.New("something new")
	err := redisconn.Explain("redis://h", cause)
	if !errors.Is(err, cause) || err.Error() != "redis at redis://h: something new" {
		t.Errorf("Explain = %v, want it to wrap %v", err, cause)
	}
}

func TestExplainOfSuccessIsNil(t *testing.T) {
	t.Parallel()
	if err := redisconn.Explain("redis://h", nil); err != nil {
		t.Error(err)
	}
}
