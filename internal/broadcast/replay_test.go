package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestAReplayGoesToThoseWhoDidNotGetIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{Rules: wecomtest.Rules{Invisible: []string{"user000003"}, Unlicensed: []string{"user000005"}}})
	desk := b.BroadcastDesk(b.App("ops"))
	created := b.create(b.draft("你好 {{.name}}", list(10)))
	if _, _, err := desk.Replay(t.Context(), created.ID, broadcast.Replay{}, "bob"); !errors.As(err, new(*broadcast.StateError)) {
		t.Errorf("while it runs: %v", err)
	}
	b.work()
	b.await(created.ID, broadcast.Finished)
	lock := keys.BroadcastReplaying("ops", created.ID)
	b.Redis.Set(t.Context(), lock, "another one", 0)
	if _, _, err := desk.Replay(t.Context(), created.ID, broadcast.Replay{}, "bob"); !errors.Is(err, broadcast.ErrReplaying) {
		t.Errorf("while another one is being created: %v", err)
	}
	if b.Redis.Del(t.Context(), lock).Val() != 1 {
		t.Error("it has ended the lock of another one")
	}
	again, duplicate, err := desk.Replay(t.Context(), created.ID, broadcast.Replay{}, "bob")
	if b.Redis.Exists(t.Context(), lock).Val() != 0 {
		t.Error("the lock of a replay that was made is there still")
	}
	if err != nil || duplicate || again.Recipients != 2 || again.Spec.ReplayOf != created.ID || again.Spec.CreatedBy != "bob" {
		t.Fatalf("%+v, %t, %v", again, duplicate, err)
	}
	if second, duplicate, err := desk.Replay(t.Context(), created.ID, broadcast.Replay{}, "carl"); err != nil || !duplicate || second.ID != again.ID {
		t.Errorf("the repeat: %+v, %t, %v", second, duplicate, err)
	}
	b.await(again.ID, broadcast.Finished)
	if rows := b.report(again.ID); rows["user000003"].State != "invalid" || rows["user000005"].State != "unlicensed" {
		t.Errorf("the report of the replay: %+v", rows)
	}
	if _, _, err := desk.Replay(t.Context(), created.ID, broadcast.Replay{ErrCode: 40058}, "bob"); !errors.Is(err, broadcast.ErrNothingToReplay) {
		t.Errorf("for nobody: %v", err)
	}
}

func TestNobodyIsInTwoReplays(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	for _, fault := range []wecomtest.Fault{
		{API: "message/send", Match: &wecomtest.Match{ToUser: "user000003"}, Times: 1, ErrCode: 40058},
		{API: "message/send", Match: &wecomtest.Match{ToUser: "user000005"}, Times: 1, ErrCode: 45002},
	} {
		if err := b.WeCom.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}
	desk := b.BroadcastDesk(b.App("ops"))
	b.work()
	created := b.create(b.draft("你好 {{.name}}", list(10)))
	b.await(created.ID, broadcast.Finished)
	byCode, all := broadcast.Replay{ErrCode: 40058}, broadcast.Replay{}
	ids := map[broadcast.Replay]string{}
	for _, r := range []broadcast.Replay{byCode, all, byCode, all} {
		again, duplicate, err := desk.Replay(t.Context(), created.ID, r, "bob")
		if err != nil || again.Recipients != 1 || duplicate != (ids[r] == again.ID) {
			t.Fatalf("%+v: %+v, %t, %v", r, again, duplicate, err)
		}
		ids[r] = again.ID
		b.await(again.ID, broadcast.Finished)
	}
	for _, r := range []broadcast.Replay{{ErrCode: 45002}, {ErrCode: 40058, IncludeUnknown: true}, {IncludeUnknown: true}} {
		if _, _, err := desk.Replay(t.Context(), created.ID, r, "bob"); !errors.Is(err, broadcast.ErrNothingToReplay) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	received := map[string]int{}
	for _, m := range b.WeCom.Messages() {
		received[m.To[0]]++
	}
	if len(received) != 10 || received["user000003"] != 1 || received["user000005"] != 1 {
		t.Errorf("they got it so often: %v", received)
	}
}

func TestARecallGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	desk := b.BroadcastDesk(b.App("ops"))
	b.work()
	created := b.create(b.draft("你好 {{.name}}", list(30)))
	b.await(created.ID, broadcast.Finished)
	ctx, stop := context.WithCancel(t.Context())
	part, err := desk.Recall(ctx, created.ID, "bob", func(broadcast.Recall) { stop() })
	if !errors.Is(err, context.Canceled) || part.Recalled == 0 || part.Left == 0 || part.Recalled+part.Left != 30 {
		t.Fatalf("broken off: %+v, %v", part, err)
	}
	for _, when := range []string{"goes on", "is repeated"} {
		all, err := desk.Recall(t.Context(), created.ID, "bob", nil)
		if err != nil || all.Recalled != 30 || all.Failed != 0 || all.Left != 0 {
			t.Errorf("%s: %+v, %v", when, all, err)
		}
	}
	for _, m := range b.WeCom.Messages() {
		if !m.Recalled {
			t.Errorf("%s of %v was not recalled", m.MsgID, m.To)
		}
	}
}

func TestARecallEndsABroadcastThatRuns(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("hello", list(3)))
	result, err := b.BroadcastDesk(b.App("ops")).Recall(t.Context(), created.ID, "bob", nil)
	if now := b.get(created.ID); err != nil || result.Left != 0 || now.State != broadcast.Cancelled || now.Acts["cancelled"].Actor != "bob" {
		t.Errorf("%+v, %v; it is %+v", result, err, now)
	}
}

func TestARecipientIsFound(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	same := b.create(b.draft("hello", list(4321)))
	own := b.create(b.draft("你好 {{.name}}", list(2500)))
	for _, id := range []string{same.ID, own.ID} {
		for _, n := range []int{0, 999, 1000, 2499} {
			row, ok, err := b.store.Find(t.Context(), id, fmt.Sprintf("USER%06d", n))
			if err != nil || !ok || row.Recipient != fmt.Sprintf("user%06d", n) || row.State != "pending" {
				t.Errorf("%s, %d: %+v, %t, %v", id, n, row, ok, err)
			}
		}
		for _, user := range []string{"a", "user0009995", "z"} {
			if _, ok, err := b.store.Find(t.Context(), id, user); ok || err != nil {
				t.Errorf("%s: %s was found: %v", id, user, err)
			}
		}
	}
	desk := b.BroadcastDesk(b.App("ops"))
	for user, want := range map[string][]string{"USER000001": {own.ID, same.ID}, "user004000": {same.ID}, "nobody": {}} {
		got := []string{}
		statuses, err := desk.Statuses(t.Context(), 20, user)
		for _, s := range statuses {
			got = append(got, s.ID)
			if s.Found == nil || !strings.EqualFold(s.Found.Recipient, user) || s.Found.State != "pending" {
				t.Errorf("%s: %s says %+v", user, s.ID, s.Found)
			}
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, -want +got:\n%s", user, err, diff)
		}
	}
	if first, err := desk.Statuses(t.Context(), 1, "user000001"); err != nil || len(first) != 1 || first[0].ID != own.ID {
		t.Errorf("at most one: %+v, %v", first, err)
	}
}
