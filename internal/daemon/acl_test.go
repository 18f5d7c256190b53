package daemon_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
)

// minimalACL is what docs/operations.md says is enough.
const minimalACL = "~wecomq:* ~asynq:* &asynq:* +@all -@admin -@dangerous"

func TestTheMinimalACLIsEnough(t *testing.T) {
	t.Parallel()
	user := "user wecomq on >pw " + minimalACL
	server, cluster := redistest.Start(t, user), redistest.StartCluster(t, user)
	for name, url := range map[string]string{
		"a single Redis": "unix://wecomq:pw@" + server.Addr,
		"a cluster":      strings.Replace(cluster.URL(), "://", "://wecomq:pw@", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := daemontest.New(t, daemontest.Config{RedisURL: url, Tokens: []config.Token{
				daemontest.Token(token, []string{"ops"}, config.ScopeSend, config.ScopeRead),
			}})
			api, _ := d.Start(daemon.Config{Gateway: true, Worker: true})
			for _, body := range []string{
				`{"touser":"lisi","msgtype":"text","text":{"content":"now"},"priority":"critical","idempotency_key":"k"}`,
				`{"touser":"lisi","msgtype":"text","text":{"content":"soon"},"enable_duplicate_check":1,"process_at":"` +
					time.Now().Add(time.Second).Format(time.RFC3339) + `"}`,
			} {
				if status := call(t, http.MethodPost, api+"/v1/messages", body); status != http.StatusAccepted {
					t.Fatalf("HTTP %d", status)
				}
			}
			waittest.Until(t, "both are on record as accepted", func() bool {
				accepted := 0
				for r, err := range d.LedgerOf("ops").Records(t.Context(), ledger.Query{}) {
					if err == nil && r.State == tasks.Accepted {
						accepted++
					}
				}
				return accepted == 2
			})
			for _, path := range []string{"/readyz", "/metrics", "/v1/apps"} {
				if status := call(t, http.MethodGet, api+path, ""); status != http.StatusOK {
					t.Errorf("GET %s: HTTP %d", path, status)
				}
			}
			for _, f := range d.Check(t.Context(), true) {
				if f.Level == daemon.Fault {
					t.Errorf("check: %+v", f)
				}
			}
			for line := range strings.Lines(d.Log.String()) {
				if strings.Contains(line, "NOPERM") && !strings.Contains(line, `"level":"debug"`) {
					t.Errorf("the log complains: %s", line)
				}
			}
		})
	}
}
