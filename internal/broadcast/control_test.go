package broadcast_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestAPausedBroadcastGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	stop := b.work()
	// 1 ms of WeCom for each call leaves time to pause in the middle.
	created := b.create(b.draft("你好 {{.name}}", list(400)))
	waittest.Until(t, "some calls are done", func() bool { return b.get(created.ID).CallsDone > 20 })
	paused, err := b.store.Pause(t.Context(), created.ID, "bob")
	if err != nil || paused.State != broadcast.Paused || paused.Acts["paused"].Actor != "bob" {
		t.Fatalf("paused: %+v, %v", paused, err)
	}
	stop() // ends the calls in flight
	before := len(b.WeCom.Messages())
	b.work()
	waittest.Until(t, "the calls in the queue are withdrawn", func() bool {
		info, err := b.Asynq.GetQueueInfo("ops:bulk")
		return err == nil && info.Pending == 0 && info.Active == 0
	})
	if after := len(b.WeCom.Messages()); after != before {
		t.Errorf("%d messages arrived while it was paused", after-before)
	}
	if resumed, err := b.store.Resume(t.Context(), created.ID, "bob"); err != nil || resumed.State != broadcast.Running {
		t.Fatalf("resumed: %+v, %v", resumed, err)
	}
	b.await(created.ID, broadcast.Finished)
	b.eachOnce(created.ID, 400)
}

func TestACancelledBroadcastSaysWhoWasNotReached(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	created := b.create(b.draft("你好 {{.name}}", list(400)))
	waittest.Until(t, "some calls are done", func() bool { return b.get(created.ID).CallsDone > 20 })
	if _, err := b.store.Cancel(t.Context(), created.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	waittest.Until(t, "what was tried has ended", func() bool { return b.get(created.ID).Counts.Pending == 0 })
	counts := b.get(created.ID).Counts
	if arrived := len(b.WeCom.Messages()); counts.Accepted != arrived || counts.Cancelled != 400-arrived {
		t.Errorf("%+v, and %d arrived", counts, arrived)
	}
	states := map[string]int{}
	for _, row := range b.report(created.ID) {
		states[row.State]++
	}
	if states["accepted"] != counts.Accepted || states["cancelled"] != counts.Cancelled {
		t.Errorf("the report has %v, the broadcast %+v", states, counts)
	}
	if _, err := b.store.Resume(t.Context(), created.ID, "bob"); !errors.As(err, new(*broadcast.StateError)) {
		t.Errorf("resumed after it was cancelled: %v", err)
	}
}

func TestARepeatIsTheSameBroadcast(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	first := b.create(b.draft("hello", list(10)))
	again := b.draft("hello", list(10))
	again.Spec.CreatedBy = "bob"
	second, duplicate, err := b.store.Create(t.Context(), again)
	if err != nil || !duplicate || second.ID != first.ID {
		t.Errorf("the repeat is %+v, %t, %v; want %s", second, duplicate, err, first.ID)
	}
	other := b.draft("hello", list(10))
	other.Key = "once more"
	if third := b.create(other); third.ID == first.ID {
		t.Error("another key gave the same broadcast")
	}
}

func TestABrokenOffCreationSendsNothingAndGoesOn(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	ctx, stop := context.WithCancel(t.Context())
	draft := b.draft("你好 {{.name}}", list(70_000))
	draft.OnProgress = func(int) { stop() }
	if _, _, err := b.store.Create(ctx, draft); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	id, err := draft.ID("ops")
	if err != nil {
		t.Fatal(err)
	}
	if state := b.get(id).State; state != broadcast.Creating {
		t.Errorf("it is %s", state)
	}
	if all, err := b.store.List(t.Context(), 10); err != nil || len(all) != 0 {
		t.Errorf("listed: %v, %v", all, err)
	}
	draft.OnProgress = nil
	draft.Spec.Rate = 0
	created := b.create(draft)
	if created.ID != id || created.Recipients != 70_000 {
		t.Errorf("%s with %d recipients", created.ID, created.Recipients)
	}
	if _, err := b.store.Cancel(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
}

func TestARepeatThatEndsFirstLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	draft := b.draft("hello", list(64_000)) // as many blocks as fit into two round trips
	repeat := draft
	draft.OnProgress = func(recipients int) {
		if recipients == 32_000 {
			b.create(repeat)
		}
	}
	created, duplicate, err := b.store.Create(t.Context(), draft)
	if err != nil || !duplicate || created.Recipients != 64_000 {
		t.Fatalf("%+v, %t, %v", created, duplicate, err)
	}
	for _, key := range []string{keys.Broadcast("ops", created.ID), keys.BroadcastBlocks("ops", created.ID)} {
		if left := b.Redis.TTL(t.Context(), key).Val(); left < 24*time.Hour {
			t.Errorf("%s ends in %s", key, left)
		}
	}
}

func TestSomebodyElseMustApprove(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	draft := b.draft("hello", list(10))
	draft.Spec.NeedsApproval = true
	created := b.create(draft)
	if created.State != broadcast.AwaitingApproval {
		t.Errorf("it is %s", created.State)
	}
	if _, err := b.store.Approve(t.Context(), created.ID, "anna"); !errors.Is(err, broadcast.ErrOwnApproval) {
		t.Errorf("by its creator: %v", err)
	}
	if _, err := b.store.Approve(t.Context(), created.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	done := b.await(created.ID, broadcast.Finished)
	if done.Acts["approved"].Actor != "bob" || done.Counts.Accepted != 10 {
		t.Errorf("%+v", done)
	}
}

func TestABroadcastBeginsAtItsTime(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	draft := b.draft("hello", list(10))
	draft.Spec.At = time.Now().Add(2 * time.Second).Truncate(time.Second)
	if created := b.create(draft); created.State != broadcast.Scheduled {
		t.Errorf("it is %s", created.State)
	}
	id, _ := draft.ID("ops")
	b.await(id, broadcast.Finished)
	for _, m := range b.WeCom.Messages() {
		if m.At.Before(draft.Spec.At) {
			t.Errorf("sent at %s, its time is %s", m.At, draft.Spec.At)
		}
	}
}

func TestWhoIsRefusedIsInTheReport(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{Rules: wecomtest.Rules{Invisible: []string{"user000003"}, Unlicensed: []string{"user000005"}}})
	b.work()
	created := b.create(b.draft("hello", list(10)))
	done := b.await(created.ID, broadcast.Finished)
	if c := done.Counts; c.Accepted != 8 || c.Invalid != 1 || c.Unlicensed != 1 {
		t.Errorf("%+v", c)
	}
	rows := b.report(created.ID)
	for user, state := range map[string]string{"user000003": "invalid", "user000005": "unlicensed", "user000004": "accepted"} {
		if rows[user].State != state {
			t.Errorf("%s is %q, want %s", user, rows[user].State, state)
		}
	}
}

func TestAPreparedBroadcastWaitsUntilItIsStarted(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	draft := b.draft("你好 {{.name}}", list(10))
	draft.Key = "form"
	prepared, err := b.store.Prepare(t.Context(), draft)
	if err != nil || prepared.State != broadcast.Creating || prepared.Recipients != 10 {
		t.Fatalf("prepared: %+v, %v", prepared, err)
	}
	samples, err := b.store.Samples(t.Context(), prepared)
	if err != nil || len(samples) != 3 || !strings.Contains(string(samples[0].Body), "你好 名字") {
		t.Errorf("samples %s, %v", samples, err)
	}
	draft = b.draft("再见 {{.name}}", list(9))
	draft.Key = "form"
	changed, err := b.store.Prepare(t.Context(), draft)
	if err != nil || changed.ID != prepared.ID || changed.Recipients != 9 {
		t.Fatalf("changed: %+v, %v", changed, err)
	}
	if _, err := b.store.Start(t.Context(), prepared.ID, prepared.Digest); !errors.Is(err, broadcast.ErrChanged) {
		t.Errorf("what it said before is started: %v", err)
	}
	for range 2 {
		if _, err := b.store.Start(t.Context(), changed.ID, changed.Digest); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.store.Start(t.Context(), prepared.ID, prepared.Digest); !errors.Is(err, broadcast.ErrChanged) {
		t.Errorf("what it said before is started, as is another one: %v", err)
	}
	b.await(changed.ID, broadcast.Finished)
	b.eachOnce(changed.ID, 9)
}

func TestABroadcastKeepsItsHours(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	around := func(from, to time.Duration) broadcast.Hours {
		clock := func(after time.Duration) string { return time.Now().UTC().Add(after).Format("15:04") }
		hours, err := broadcast.ParseHours(clock(from)+"-"+clock(to), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		return hours
	}
	closed := b.draft("later", list(10))
	closed.Spec.Between = around(2*time.Hour, 4*time.Hour)
	waiting := b.create(closed)
	open := b.draft("now", list(10))
	open.Spec.Between = around(-2*time.Hour, 2*time.Hour)
	id := b.create(open).ID
	b.await(id, broadcast.Finished)
	b.eachOnce(id, 10)
	if got := b.get(waiting.ID); got.State != broadcast.Running || got.Counts.Pending != 10 {
		t.Errorf("outside its hours: %s, %+v", got.State, got.Counts)
	}
}

func TestABroadcastKeepsItsRate(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	slow := b.draft("你好 {{.name}}", list(10))
	slow.Spec.Rate = 1
	created := b.create(slow)
	waittest.Until(t, "the first is reached", func() bool { return b.get(created.ID).CallsDone == 1 })
	b.await(b.create(b.draft("hello", list(10))).ID, broadcast.Finished) // meanwhile the feeder has looked again
	if got := b.get(created.ID); got.Counts.Accepted != 1 {
		t.Errorf("%+v, want one in the first minute", got.Counts)
	}
}
