package daemon_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/producer"
)

func TestEveryProcessTellsOfAnAudit(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	id := d.Send("ops", daemontest.Text("chen.li", "x"), producer.Options{}).ID
	if err := d.Redis.HSet(t.Context(), keys.Record("ops", id), "state", "queued", "priority", "default", "to_user", "chen.li").Err(); err != nil {
		t.Fatal(err)
	}
	if err := d.Asynq.DeleteTask("ops:default", id); err != nil {
		t.Fatal(err)
	}
	d.AuditWhenDue(t.Context())
	awaitLog(t, d, id, 1)
	url, _ := d.Start(daemon.Config{Worker: true, Listen: "127.0.0.1:0"})
	if !strings.Contains(fetch(t, url+"/metrics"), `wecomq_audit_imbalance{app="ops"} 1`) {
		t.Error("no imbalance of 1 in the metrics")
	}
}
