package operator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// audit returns the findings of an audit.
func (b *bundle) audit() []audit.Finding {
	b.Helper()
	result, err := b.Auditor(b.App("ops")).Audit(b.Context(), audit.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return result.Findings
}

// repair repairs the only finding.
func (b *bundle) repair() operator.Repair {
	b.Helper()
	findings := b.audit()
	if len(findings) != 1 {
		b.Fatalf("findings %+v, want one", findings)
	}
	repair, err := b.operator.Repair(b.Context(), findings[0])
	if err != nil {
		b.Fatal(err)
	}
	return repair
}

// loseLease makes a task active without a lease, as asynq issue 1144 leaves it.
func (b *bundle) loseLease(id string) {
	b.Helper()
	set := func(name string) string { return "asynq:{" + queue + "}:" + name }
	b.Redis.LRem(b.Context(), set("pending"), 1, id)
	b.Redis.LPush(b.Context(), set("active"), id)
	b.Redis.HSet(b.Context(), set("t:"+id), "state", "active")
}

// killed is a message whose worker was killed in the call, an hour ago.
func (b *bundle) killed() string {
	b.Helper()
	id := b.send("chen.li", producer.Options{}).ID
	b.admit(b.payload(queue, id))
	b.loseLease(id)
	b.Redis.HSet(b.Context(), keys.Record("ops", id), "attempt_at", time.Now().Add(-time.Hour).UnixMilli())
	return id
}

func TestAStuckMessageGoesOnAfterItsRepair(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		onUnknown string
		killed    func(*bundle) string
		want      tasks.State
		double    bool
	}{
		"during the call, to be sent again": {onUnknown: "resend", killed: (*bundle).killed, want: tasks.Accepted, double: true},
		"during the call, to be parked":     {onUnknown: "park", killed: (*bundle).killed, want: tasks.Unknown},
		"before the call": {onUnknown: "park", killed: func(b *bundle) string {
			id := b.send("chen.li", producer.Options{}).ID
			b.loseLease(id)
			return id
		}, want: tasks.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundleOf(t, daemontest.Config{Change: func(c *config.Config) {
				c.Apps["ops"].OnUnknown, c.Apps["ops"].UnknownResends = tc.onUnknown, 2
			}})
			id := tc.killed(b)
			if repair := b.repair(); repair.ID != id || repair.Outcome != operator.Requeued {
				t.Errorf("repair %+v", repair)
			}
			b.Start(daemon.Config{Worker: true})
			waittest.Until(t, "the message has ended", func() bool {
				r, err := b.ledger.Record(t.Context(), id)
				return err == nil && r.State.Final()
			})
			if r := b.record(id); r.State != tc.want || r.PossibleDuplicate != tc.double {
				t.Errorf("record %+v, want %s, possible duplicate %t", r, tc.want, tc.double)
			}
			if left := b.audit(); len(left) > 0 {
				t.Errorf("findings %+v after the repair", left)
			}
		})
	}
}

func TestAMessageWhoseContentIsLostIsSettled(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lose func(*bundle) string
		want operator.Repair
	}{
		"it was never sent": {func(b *bundle) string {
			id := b.send("chen.li|wang.wu", producer.Options{}).ID
			if _, err := b.ledger.Settle(b.Context(), b.payload(queue, id), tasks.Settlement{State: tasks.Held}); err != nil {
				b.Fatal(err)
			}
			return id
		}, operator.Repair{Outcome: operator.Settled, State: tasks.Rejected}},
		"an earlier attempt is in doubt": {func(b *bundle) string {
			id := b.send("chen.li|wang.wu", producer.Options{}).ID
			b.admit(b.payload(queue, id))
			s := tasks.Settlement{State: tasks.Queued, OutcomeUnknown: true}
			if _, err := b.ledger.Settle(b.Context(), b.payload(queue, id), s); err != nil {
				b.Fatal(err)
			}
			return id
		}, operator.Repair{Outcome: operator.Settled, State: tasks.Unknown}},
		"an attempt was under way": {func(b *bundle) string {
			id := b.send("chen.li|wang.wu", producer.Options{}).ID
			b.admit(b.payload(queue, id))
			return id
		}, operator.Repair{Outcome: operator.Settled, State: tasks.Unknown}},
		"a dead letter was run again, so its content is kept": {func(b *bundle) string {
			id := b.send("chen.li|wang.wu", producer.Options{}).ID
			b.end(queue, id, tasks.Settlement{State: tasks.Rejected})
			if revived, err := b.ledger.Revive(b.Context(), id, 1); err != nil || !revived {
				b.Fatal(revived, err)
			}
			return id
		}, operator.Repair{Outcome: operator.Requeued, State: tasks.Queued}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			id := tc.lose(b)
			if err := b.Asynq.DeleteTask(queue, id); err != nil {
				t.Fatal(err)
			}
			repair := b.repair()
			tc.want.ID, tc.want.App = id, "ops"
			if diff := cmp.Diff(tc.want, repair, cmpopts.IgnoreFields(operator.Repair{}, "Text")); diff != "" || repair.Text == "" {
				t.Errorf("repair %+v (-want +got):\n%s", repair, diff)
			}
			if left := b.audit(); len(left) > 0 {
				t.Errorf("findings %+v after the repair", left)
			}
			if r := b.record(id); r.To.Count() != 2 || r.State != tc.want.State {
				t.Errorf("record %+v", r)
			}
			if _, err := b.operator.Replay(t.Context(), id); tc.want.Outcome == operator.Settled && err == nil {
				t.Error("it was replayed without its content")
			}
		})
	}
}

func TestAFollowUpThatIsNowhereGetsARecord(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.send("chen.li", producer.Options{}).ID
	b.end(queue, id, tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 1}})
	b.Redis.HSet(t.Context(), keys.Record("ops", id), "deferred", "1790000000000=wang.wu|zhao.liu", "finished_at", time.Now().Add(-time.Hour).UnixMilli())
	repair := b.repair()
	want := operator.Repair{ID: tasks.FollowUpID(id, 1), App: "ops", Outcome: operator.Settled, State: tasks.Rejected}
	if diff := cmp.Diff(want, repair, cmpopts.IgnoreFields(operator.Repair{}, "Text")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if left := b.audit(); len(left) > 0 || b.record(want.ID).Recipients.Rejected != 2 {
		t.Errorf("findings %+v, record %+v", left, b.record(want.ID))
	}
}
