package broadcast_test

import (
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

func TestEverybodyGetsTheSameWordsOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	created := b.create(b.draft("停电 <今晚>", list(2500)))
	if created.Recipients != 2500 || created.Calls != 3 {
		t.Errorf("%d recipients in %d calls, want 2500 in 3", created.Recipients, created.Calls)
	}
	done := b.await(created.ID, broadcast.Finished)
	if done.Counts.Accepted != 2500 || done.CallsDone != 3 {
		t.Errorf("%+v in %d calls", done.Counts, done.CallsDone)
	}
	b.eachOnce(created.ID, 2500)
}

func TestEverybodyGetsTheirOwnWords(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	created := b.create(b.draft("你好 {{.name}}", list(300)))
	done := b.await(created.ID, broadcast.Finished)
	if done.Calls != 300 || done.Counts.Accepted != 300 {
		t.Errorf("%+v in %d calls", done.Counts, done.Calls)
	}
	b.eachOnce(created.ID, 300)
}

// WeCom names the recipients that it refused although it may have taken the call before:
// they are in doubt, in the sums as in the report.
func TestWhoWasRefusedAfterALostAnswerIsInDoubt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("停电", list(1)))
	id := tasks.BroadcastCall{Broadcast: created.ID}.ID()
	record := keys.Record("ops", id)
	if err := b.Redis.HSet(t.Context(), record, "state", string(tasks.Queued), "to_user", "user000000", "unknown_since", 1).Err(); err != nil {
		t.Fatal(err)
	}
	refused := tasks.Settlement{State: tasks.Rejected, ErrCode: 81013, ErrMsg: "refused", Recipients: tasks.Recipients{Invalid: []string{"user000000"}}}
	payload := tasks.Payload{ID: id, App: "ops", Body: []byte(`{"touser":"user000000"}`)}
	if _, err := ledger.New(b.Redis, "ops", time.Hour).Settle(t.Context(), payload, refused); err != nil {
		t.Fatal(err)
	}
	if got := b.get(created.ID).Counts; got.Unknown != 1 || got.Invalid != 0 {
		t.Errorf("sums %+v, want one unknown", got)
	}
	if row := b.report(created.ID)["user000000"]; row.State != string(tasks.Unknown) {
		t.Errorf("the report has %+v, want it unknown", row)
	}
}
