package operator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// deferTo records that users of a message have a follow-up, as internal/pacing does.
func (b *bundle) deferTo(id string, users ...string) {
	b.Helper()
	if err := b.Redis.HSet(b.Context(), keys.Record("ops", id), "deferred", "1790000000000="+strings.Join(users, "|")).Err(); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) whole(id string) tasks.Record {
	b.Helper()
	r, err := b.FinderOf("ops").Message(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func TestWhoeverHasAFollowUpIsCountedOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("erin|Frank", producer.Options{})
	b.admit(b.payload(queue, receipt.ID))
	b.deferTo(receipt.ID, "frank")
	// Its worker died before it enqueued the follow-up. The message fails for erin.
	b.end(queue, receipt.ID, tasks.Settlement{State: tasks.Rejected, ErrCode: 81013})
	if r := b.record(receipt.ID); r.Recipients.Rejected != 1 || r.Recipients.Deferred != 1 || r.Recipients.Total() != 2 {
		t.Errorf("recipients %+v, want one rejected and one deferred", r.Recipients)
	}
	replays, err := b.operator.Replay(t.Context(), receipt.ID)
	if err != nil || len(replays) != 1 || replays[0].Recipients != 1 {
		t.Fatalf("replays %+v, %v; want one, to erin", replays, err)
	}
	if body := string(b.payload(queue, replays[0].ReplayedAs).Body); !strings.Contains(body, `"touser":"erin"`) {
		t.Errorf("the replay is %s, want it to go to erin alone", body)
	}

	parts := b.recall(receipt.ID)
	if len(parts) != 2 || parts[1].Result != operator.Cancelled || !strings.Contains(parts[0].Hint, replays[0].ReplayedAs) {
		t.Errorf("parts %+v, want a hint to the replay, and the follow-up cancelled before it exists", parts)
	}
	if r := b.whole(receipt.ID); r.Recipients.Cancelled != 1 || r.Recipients.Rejected != 1 || r.Recipients.Total() != 2 {
		t.Errorf("the whole: %+v, want each of the two counted once", r.Recipients)
	}
	if r := b.record(tasks.FollowUpID(receipt.ID, 1)); r.EnqueuedAt.IsZero() {
		t.Errorf("record %+v, want it to say when the message was enqueued", r)
	}
}

func TestAPartCanBeTakenBackAlone(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send(manyUsers(2500), producer.Options{})
	second := tasks.PartID(receipt.ID, 2)
	parts := b.recall(second)
	if len(parts) != 1 || parts[0].ID != second || parts[0].Result != operator.Cancelled {
		t.Errorf("parts %+v, want the second cancelled", parts)
	}
	b.payload(queue, receipt.ID) // the first still waits
}

func TestAPartThatIsMissingHidesNoneOfTheOthers(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send(manyUsers(2500), producer.Options{})
	b.deliver(queue, receipt.ID)
	for n := 2; n <= 3; n++ {
		if err := b.Asynq.DeleteTask(queue, tasks.PartID(receipt.ID, n)); err != nil {
			t.Fatal(err)
		}
	}
	if r := b.whole(receipt.ID); r.State != tasks.Partial || r.Recipients.Accepted != 1000 || len(r.Parts) != 3 {
		t.Errorf("the whole is %+v, want what was accepted and two parts missing", r)
	}
	parts := b.recall(receipt.ID)
	if len(parts) != 3 || parts[0].Result != operator.Recalled || parts[1].Result != operator.Failed {
		t.Errorf("parts %+v, want the first recalled and the others to fail", parts)
	}
}

func TestAMessageWhoseWorkerDiedInTheCallCanBeCancelled(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("a", producer.Options{})
	b.admit(b.payload(queue, receipt.ID))
	if parts := b.recall(receipt.ID); parts[0].Result != operator.Failed || !strings.Contains(parts[0].Reason, "sending") {
		t.Errorf("recall in the middle of the call: %+v", parts)
	}
	began := time.Now().Add(-5 * time.Minute).UnixMilli()
	if err := b.Redis.HSet(t.Context(), keys.Record("ops", receipt.ID), "attempt_at", began).Err(); err != nil {
		t.Fatal(err)
	}
	b.recall(receipt.ID)
	if r := b.record(receipt.ID); r.State != tasks.Unknown {
		t.Errorf("record %+v, want it unknown and not sent again", r)
	}
}
