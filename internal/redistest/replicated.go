package redistest

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/waittest"
)

// StartReplicated starts a primary and a replica that follows it for this test, with
// lines of redis.conf for both. The primary listens at this port of 127.0.0.1.
func StartReplicated(tb testing.TB, config ...string) (primary, replica *Server, port string) {
	tb.Helper()
	port = freeport.New(tb)
	primary = Start(tb, append([]string{"bind 127.0.0.1", "port " + port, "repl-diskless-sync-delay 0"}, config...)...)
	replica = Start(tb, append([]string{
		"bind 127.0.0.1", "port " + freeport.New(tb), "replicaof 127.0.0.1 " + port, "repl-diskless-sync-delay 0",
	}, config...)...)
	client := replica.Client()
	waittest.Until(tb, "the replica is in step", func() bool {
		return strings.Contains(client.Info(tb.Context(), "replication").Val(), "master_link_status:up")
	})
	return primary, replica, port
}
