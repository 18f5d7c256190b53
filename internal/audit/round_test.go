package audit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

func TestOneOfAllProcessesAudits(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), "hr", "ops")
	b.fill("hr")
	b.fill("ops")
	b.ended("ops", "a", tasks.Settlement{State: tasks.Queued})
	if last, err := audit.Last(t.Context(), b.rdb, "ops"); err != nil || last[0] != nil {
		t.Errorf("the last audit is %+v, %v; want none", last, err)
	}
	round := func() []audit.Result {
		t.Helper()
		results, err := audit.New(b.rdb, b.apps...).Round(t.Context())
		b.must(err)
		return results
	}
	first := round()
	if len(first) != 2 || first[0].Imbalance != 0 || len(first[0].Findings) != 0 || first[1].Imbalance != 1 || len(first[1].Findings) != 1 {
		t.Fatalf("first round %+v, want one imbalance, of ops", first)
	}
	if again := round(); len(again) > 0 {
		t.Errorf("another process audits again: %+v", again)
	}
	last, err := audit.Last(t.Context(), b.rdb, "ops")
	b.must(err)
	if diff := cmp.Diff(first[1], *last[0]); diff != "" {
		t.Errorf("last audit (-want +got):\n%s", diff)
	}
	if left := b.rdb.PTTL(t.Context(), keys.AuditLease("ops")).Val(); left <= 0 || left > 5*time.Minute {
		t.Errorf("the lease lasts %s, want five minutes", left)
	}
	b.must(b.rdb.Del(t.Context(), keys.AuditLease("ops")).Err()) // as when its time is over
	if again := round(); len(again) != 1 || again[0].Apps[0].App != "ops" {
		t.Errorf("nobody takes the next lease of ops: %+v", again)
	}
}
