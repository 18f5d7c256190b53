package broadcast_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// got is who has got what from WeCom, in order.
func (b *bundle) got() []string {
	b.Helper()
	all := []string{}
	for _, m := range b.WeCom.Messages() {
		all = append(all, strings.Join(m.To, "|")+": "+m.Text)
	}
	return all
}

func TestTheSamplesGoToTheTesterFirst(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	desk := b.BroadcastDesk(b.App("ops"))
	draft := b.draft("hello {{.name}}", "userid,name\na,A\nb,B\nc,C\nd,D\n")
	var told []string
	accepted := func(m broadcast.TestMessage) {
		if m.N != len(told)+1 || m.Of != 3 || m.Record.State != tasks.Accepted || m.Record.Actor != "anna" {
			t.Errorf("told of %+v", m)
		}
		told = append(told, m.To+": hello "+strings.ToUpper(m.Recipient))
	}
	created, duplicate, err := desk.CreateTested(t.Context(), draft, "tester", accepted)
	if err != nil || duplicate {
		t.Fatalf("%+v, %t, %v", created, duplicate, err)
	}
	b.await(created.ID, broadcast.Finished)
	got := b.got()
	if len(got) != 7 || len(told) != 3 {
		t.Fatalf("these arrived: %q, of which it told %q", got, told)
	}
	if diff := cmp.Diff(told, got[:3]); diff != "" {
		t.Errorf("-told +arrived first:\n%s", diff)
	}
	again, duplicate, err := desk.CreateTested(t.Context(), draft, "tester", accepted)
	if err != nil || !duplicate || again.ID != created.ID {
		t.Errorf("the repeat: %+v, %t, %v", again, duplicate, err)
	}
	if after := b.got(); len(after) != len(got) {
		t.Errorf("the repeat sent %q", after[len(got):])
	}
}

func TestABroadcastWhoseSampleIsRefusedIsNotCreated(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	desk := b.BroadcastDesk(b.App("ops"))
	if err := b.WeCom.AddFault(wecomtest.Fault{API: "message/send", Skip: 1, Times: 1, ErrCode: 40058}); err != nil {
		t.Fatal(err)
	}
	draft := b.draft("hello {{.name}}", "userid,name\na,A\nb,B\nc,C\n")
	var accepted []broadcast.TestMessage
	_, _, err := desk.CreateTested(t.Context(), draft, "tester", func(m broadcast.TestMessage) { accepted = append(accepted, m) })
	refused, ok := errors.AsType[*broadcast.TestError](err)
	if !ok || refused.N != 2 || refused.Record.ErrCode != 40058 || errors.Is(err, broadcast.ErrNoVerdict) || len(accepted) != 1 {
		t.Fatalf("got %v after %+v", err, accepted)
	}
	for _, want := range []string{"test message 2 of 3", refused.Record.ID, "to tester, as " + refused.Recipient, "rejected: ", "the broadcast was not created"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if got := b.got(); len(got) != 1 {
		t.Errorf("these arrived: %q", got)
	}
	if all, err := b.store.List(t.Context(), 10); err != nil || len(all) != 0 {
		t.Errorf("there are %v, %v", all, err)
	}
	// What was refused is fixed, and the same draft continues.
	created, duplicate, err := desk.CreateTested(t.Context(), draft, "tester", nil)
	if err != nil || duplicate || b.await(created.ID, broadcast.Finished).Counts.Accepted != 3 {
		t.Errorf("the repeat: %+v, %t, %v", created, duplicate, err)
	}
}

func TestAPreparedBroadcastIsTestedAndStaysAsItIs(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{Rules: wecomtest.Rules{Invisible: []string{"left.company"}}})
	b.work()
	desk := b.BroadcastDesk(b.App("ops"))
	prepared, err := b.store.Prepare(t.Context(), b.draft("hello", "a\nb\n"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := desk.Test(t.Context(), prepared, "tester", nil); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"tester: hello", "tester: hello"}, b.got()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	err = desk.Test(t.Context(), prepared, "left.company", nil)
	if _, ok := errors.AsType[*broadcast.TestError](err); !ok || !strings.Contains(err.Error(), "left.company") {
		t.Errorf("to a member who has left: %v", err)
	}
	if now := b.get(prepared.ID); now.State != broadcast.Creating || now.Digest != prepared.Digest {
		t.Errorf("it is now %+v", now)
	}
}

func TestATesterIsOneMember(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	prepared, err := b.store.Prepare(t.Context(), b.draft("hello", "a\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "@all", "a|b", "a,b", "王伟"} {
		err := b.BroadcastDesk(b.App("ops")).Test(t.Context(), prepared, to, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "test_to: ") {
			t.Errorf("%q: %v", to, err)
		}
	}
	if queues, err := b.Asynq.Queues(); err != nil || slices.Contains(queues, "ops:default") {
		t.Errorf("something was enqueued: %v, %v", queues, err)
	}
}

func TestATestThatDoesNotEndIsTold(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{}) // without a worker
	desk := b.BroadcastDesk(b.App("ops"))
	ctx, timeOut := context.WithCancelCause(t.Context())
	look := desk.Record
	desk.Record = func(ctx context.Context, id string) (tasks.Record, error) {
		defer timeOut(context.DeadlineExceeded)
		return look(ctx, id)
	}
	_, _, err := desk.CreateTested(ctx, b.draft("hello", "a\n"), "tester", nil)
	for _, want := range []string{"test message 1 of 1", "it is queued", "Is a worker running?", "the broadcast was not created"} {
		if !errors.Is(err, broadcast.ErrNoVerdict) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if all, err := b.store.List(t.Context(), 10); err != nil || len(all) != 0 {
		t.Errorf("there are %v, %v", all, err)
	}
}

func TestAKeyIsForOneBroadcastOfAToken(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	desk := b.BroadcastDesk(b.App("ops"))
	order := func(text, owner string) (*broadcast.Broadcast, bool, error) {
		draft := b.draft(text, "a\nb\n")
		draft.Key, draft.KeyOwner, draft.Spec.CreatedBy = "monthly", owner, owner
		return desk.CreateTested(t.Context(), draft, "", nil)
	}
	before, _, err := order("hello", "") // as the version before did, whose keys had no owner
	if err != nil {
		t.Fatal(err)
	}
	first, duplicate, err := order("hello", "builds")
	if err != nil || duplicate || first.ID == before.ID {
		t.Fatalf("under another's key: %+v, %t, %v", first, duplicate, err)
	}
	if again, duplicate, err := order("hello", "builds"); err != nil || !duplicate || again.ID != first.ID {
		t.Errorf("the repeat: %+v, %t, %v", again, duplicate, err)
	}
	_, _, err = order("bye", "builds")
	if reuse, ok := errors.AsType[*tasks.KeyReuseError](err); !ok || reuse.ID != first.ID {
		t.Errorf("another broadcast under the key: %v, want that it is of %s", err, first.ID)
	}
}

func TestABroadcastOfAnOlderVersionIsFoundByItsKey(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	desk := b.BroadcastDesk(b.App("ops"))
	draft := b.draft("hello", "a\nb\n")
	draft.Key = "monthly"
	first := b.create(draft)
	repeat := b.draft("hello", "a\nb\n")
	repeat.Key, repeat.KeyOwner = "monthly", repeat.Spec.CreatedBy
	if again, duplicate, err := desk.CreateTested(t.Context(), repeat, "", nil); err != nil || !duplicate || again.ID != first.ID {
		t.Errorf("the repeat after the upgrade: %+v, %t, %v; want %s", again, duplicate, err, first.ID)
	}
}
