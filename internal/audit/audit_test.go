package audit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// fill leaves a message of each kind behind, and returns the sums.
func (b *bundle) fill(app string) audit.Sums {
	b.Helper()
	b.ended(app, users(3), tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 3}})
	b.ended(app, "@all", tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 1}})
	b.ended(app, users(5), tasks.Settlement{State: tasks.Partial, Recipients: tasks.Recipients{
		Accepted: 2, Invalid: []string{"user0", "user1"}, Unlicensed: []string{"user2"},
	}})
	// WeCom also refuses members of a department, whom the message does not name.
	b.ended(app, "user0", tasks.Settlement{State: tasks.Partial, Recipients: tasks.Recipients{Invalid: []string{"user0", "x", "y"}}})
	b.ended(app, users(7), tasks.Settlement{State: tasks.Rejected})
	b.ended(app, users(2), tasks.Settlement{State: tasks.Unknown, OutcomeUnknown: true})
	b.ended(app, users(4), tasks.Settlement{State: tasks.Expired})
	b.ended(app, users(6), tasks.Settlement{State: tasks.Cancelled})
	b.settle(b.enqueue(app, users(8), time.Time{}), tasks.Settlement{State: tasks.Held})
	b.enqueue(app, users(9), time.Time{})
	b.enqueue(app, users(10), time.Now().Add(time.Hour))
	return audit.Sums{
		App: app, Messages: 11, Enqueued: 56, Accepted: 6, Invalid: 3, Unlicensed: 1, Rejected: 7, Unknown: 2, Expired: 4,
		Cancelled: 6, Pending: 27,
	}
}

func TestTheBooksBalance(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), "ops", "hr")
	want := []audit.Sums{b.fill("hr"), b.fill("ops")}
	got := b.audit(audit.Options{})
	if diff := cmp.Diff(audit.Result{Apps: want, Findings: []audit.Finding{}}, got, cmpopts.IgnoreFields(audit.Result{}, "At")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.apps = b.apps[:1]
	for name, tc := range map[string]struct {
		options audit.Options
		want    audit.Sums
	}{
		"one app":        {audit.Options{}, want[1]},
		"a time":         {audit.Options{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}, want[1]},
		"a time before":  {audit.Options{Until: time.Now().Add(-time.Hour)}, audit.Sums{App: "ops"}},
		"a time to come": {audit.Options{Since: time.Now().Add(time.Hour)}, audit.Sums{App: "ops"}},
	} {
		if diff := cmp.Diff([]audit.Sums{tc.want}, b.audit(tc.options).Apps); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEachImbalanceIsFound(t *testing.T) {
	t.Parallel()
	longAgo := time.Now().Add(-time.Hour).UnixMilli()
	queue := "asynq:{ops:default}:"
	for name, tc := range map[string]struct {
		kind audit.Kind
		make func(*bundle) (id string)
	}{
		"a record that accounts for fewer than it names": {audit.Off, func(b *bundle) string {
			return b.ended("ops", users(3), tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 2}}).ID
		}},
		"a record that accounts for more than it names": {audit.Off, func(b *bundle) string {
			return b.ended("ops", users(3), tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 4}}).ID
		}},
		"a worker that was killed during a call, and whose lease was lost": {audit.Stuck, func(b *bundle) string {
			p := b.enqueue("ops", "a", time.Time{})
			b.take(p)
			b.settle(p, tasks.Settlement{State: tasks.Sending})
			return p.ID
		}},
		"the same before the attempt": {audit.Stuck, func(b *bundle) string {
			p := b.enqueue("ops", "a", time.Time{})
			b.take(p)
			return p.ID
		}},
		"a lease without an active task": {audit.Stuck, func(b *bundle) string {
			p := b.enqueue("ops", "a", time.Time{})
			b.take(p)
			b.must(b.rdb.ZAdd(b.Context(), queue+"lease", redis.Z{Score: 1e10, Member: p.ID}).Err())
			b.must(b.rdb.LRem(b.Context(), queue+"active", 1, p.ID).Err())
			return p.ID
		}},
		"a task that is not in the list of those that wait": {audit.Stuck, func(b *bundle) string {
			// It is noticed once the tasks before it are gone.
			b.must(b.rdb.Del(b.Context(), queue+"pending", queue+"t:ops-00000000000000000000000009", queue+"t:ops-00000000000000000000000010").Err())
			b.must(b.rdb.Del(b.Context(), keys.Record("ops", "ops-00000000000000000000000009")).Err())
			p := b.enqueue("ops", "a", time.Time{})
			for range 3 {
				b.enqueue("ops", "later", time.Time{})
			}
			b.must(b.rdb.LRem(b.Context(), queue+"pending", 1, p.ID).Err())
			return p.ID
		}},
		"a scheduled task that is in no set": {audit.Stuck, func(b *bundle) string {
			p := b.enqueue("ops", "a", time.Now().Add(time.Hour))
			b.must(b.rdb.ZRem(b.Context(), queue+"scheduled", p.ID).Err())
			return p.ID
		}},
		"a task that was deleted": {audit.Stuck, func(b *bundle) string {
			return b.ended("ops", "a", tasks.Settlement{State: tasks.Queued}).ID
		}},
		"a task that was archived before the message had ended": {audit.Stuck, func(b *bundle) string {
			p := b.enqueue("ops", "a", time.Time{})
			b.settle(p, tasks.Settlement{State: tasks.Queued})
			b.must(asynq.NewInspectorFromRedisClient(b.rdb).ArchiveTask("ops:default", p.ID))
			return p.ID
		}},
		"a follow-up that is nowhere": {audit.Missing, func(b *bundle) string {
			p := b.ended("ops", "a", tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 1}})
			b.change(p, "deferred", "1790000000000=b|c", "finished_at", longAgo)
			return tasks.FollowUpID(p.ID, 1)
		}},
		"a part that is nowhere": {audit.Missing, func(b *bundle) string {
			p := b.payload("ops", "a")
			p.Part, p.Parts = 1, 2
			b.settle(p, tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 1}})
			b.change(p, "finished_at", longAgo)
			return tasks.PartID(p.ID, 2)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, redistest.New(t), "ops", "hr")
			b.fill("ops")
			want := []audit.Finding{{ID: tc.make(b), App: "ops", Queue: "ops:default", Kind: tc.kind}}
			got := b.audit(audit.Options{})
			if diff := cmp.Diff(want, got.Findings, cmpopts.IgnoreFields(audit.Finding{}, "State", "Text", "Lost")); diff != "" || got.Imbalance != 1 {
				t.Errorf("%d findings (-want +got):\n%s", got.Imbalance, diff)
			}
			if got.Apps[0].Imbalance != 0 || got.Apps[1].Imbalance != 1 {
				t.Errorf("sums %+v, want one imbalance, of ops", got.Apps)
			}
		})
	}
}

func TestOnlySomeFindingsAreNamed(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), "ops")
	const stuck = audit.MaxFindings + 5
	for range stuck {
		b.ended("ops", "a", tasks.Settlement{State: tasks.Queued})
	}
	told := 0
	got := b.audit(audit.Options{OnFinding: func(audit.Finding) error {
		told++
		return nil
	}})
	if got.Imbalance != stuck || len(got.Findings) != audit.MaxFindings || told != stuck {
		t.Errorf("imbalance %d, named %d, told of %d; want %d, %d, %d", got.Imbalance, len(got.Findings), told, stuck, audit.MaxFindings, stuck)
	}
}

func TestAWorkingSystemGivesNoFinding(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Apps: []string{"ops", "hr"}, Rules: wecomtest.Rules{CallsPerMinute: 1_000_000}, Change: func(c *config.Config) {
		for _, app := range c.Apps {
			app.Limits.CallsPerMinute, app.Concurrency = 1_000_000, 16
		}
	}})
	const messages = 300
	go func() {
		for i := range messages {
			to := fmt.Sprintf("user%d", i%100)
			if i%4 == 0 {
				to += fmt.Sprintf("|other%d", i)
			}
			d.Send([]string{"ops", "hr"}[i%2], daemontest.Text(to, "x"), producer.Options{Priority: tasks.Priorities()[i%3]})
		}
	}()
	d.Start(daemon.Config{Worker: true})
	for ended, audits := 0, 0; ended < messages; audits++ {
		result, err := d.Auditor(d.Apps()...).Audit(t.Context(), audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if result.Imbalance > 0 {
			t.Fatalf("audit %d: %+v", audits, result.Findings)
		}
		ended = 0
		for _, s := range result.Apps {
			if s.Pending == 0 {
				ended += s.Messages
			}
		}
	}
}

func TestAnAuditOfACluster(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.StartCluster(t).Client(), "ops", "hr", "it")
	want := []audit.Sums{b.fill("hr"), b.fill("it"), b.fill("ops")}
	stuck := b.ended("it", "a", tasks.Settlement{State: tasks.Queued})
	got := b.audit(audit.Options{})
	want[1].Messages++
	want[1].Enqueued++
	want[1].Pending++
	want[1].Imbalance++
	if diff := cmp.Diff(want, got.Apps); diff != "" || got.Findings[0].ID != stuck.ID {
		t.Errorf("findings %+v, (-want +got):\n%s", got.Findings, diff)
	}
}
