package operator_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func (b *bundle) recall(id string) []operator.RecalledPart {
	b.Helper()
	recall, err := b.operator.Recall(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	if recall.ID != id || recall.App != "ops" {
		b.Errorf("recall %+v, want that of %s", recall, id)
	}
	return recall.Parts
}

func TestASentMessageIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("a", producer.Options{})
	record := b.deliver(queue, receipt.ID)
	for range 2 { // the second time does nothing
		parts := b.recall(receipt.ID)
		want := []operator.RecalledPart{{ID: receipt.ID, Result: operator.Recalled, MsgID: record.MsgID}}
		if diff := cmp.Diff(want, parts, cmpopts.IgnoreFields(operator.RecalledPart{}, "RecalledAt")); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
		if at := b.record(receipt.ID).RecalledAt; !at.Equal(parts[0].RecalledAt) || time.Since(at) > time.Minute {
			t.Errorf("recalled_at %s, want %s", at, parts[0].RecalledAt)
		}
	}
	if !b.WeCom.Messages()[0].Recalled || b.WeCom.Stats().APIs["message/recall"].Codes[0] != 1 {
		t.Errorf("WeCom says %+v, %+v; want one recall", b.WeCom.Messages(), b.WeCom.Stats())
	}
}

func TestAMessageInPartsTellsWhichCouldNotBeTakenBack(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send(manyUsers(4500), producer.Options{})
	part := func(n int) string { return tasks.PartID(receipt.ID, n) }
	first := b.deliver(queue, part(1))
	b.end(queue, part(2), tasks.Settlement{State: tasks.Accepted, MsgID: "nobodys"})
	b.end(queue, part(3), tasks.Settlement{State: tasks.Rejected})
	b.end(queue, part(4), tasks.Settlement{State: tasks.Accepted, MsgID: "old"})
	yesterday := time.Now().Add(-25 * time.Hour).UnixMilli()
	if err := b.Redis.HSet(t.Context(), keys.Record("ops", part(4)), "finished_at", yesterday).Err(); err != nil {
		t.Fatal(err)
	}
	want := []operator.RecalledPart{
		{ID: part(1), Result: operator.Recalled, MsgID: first.MsgID},
		{ID: part(2), Result: operator.Failed, MsgID: "nobodys", ErrCode: 40058},
		{ID: part(3), Result: operator.Failed},
		{ID: part(4), Result: operator.Failed, MsgID: "old", ErrCode: 42052},
		{ID: part(5), Result: operator.Cancelled},
	}
	parts := b.recall(receipt.ID)
	if diff := cmp.Diff(want, parts, cmpopts.IgnoreFields(operator.RecalledPart{}, "RecalledAt", "Reason", "Hint")); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	for _, p := range parts {
		if (p.Result == operator.Failed) != (p.Reason != "" && p.Hint != "") {
			t.Errorf("part %+v: want a reason and a hint where it failed", p)
		}
	}
	if failed := (operator.Recall{Parts: parts}).Failed(); failed != 3 {
		t.Errorf("%d parts failed, want 3", failed)
	}
}

func TestAWaitingMessageIsCancelledAndNeverSent(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]producer.Options{
		"queued":                        {},
		"scheduled":                     {Delay: time.Hour, Priority: tasks.Critical},
		"with a key that is used again": {IdempotencyKey: "deploy-4812"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			receipt := b.send("a|b", options)
			p := b.payload(receipt.Queue, receipt.ID)
			if got := b.recall(receipt.ID); got[0].Result != operator.Cancelled {
				t.Fatalf("part %+v, want it cancelled", got[0])
			}
			if r := b.record(receipt.ID); r.State != tasks.Cancelled || r.Recipients.Cancelled != 2 || r.FinishedAt.IsZero() {
				t.Errorf("record %+v, want it cancelled for two", r)
			}
			if _, err := b.Asynq.GetTaskInfo(receipt.Queue, receipt.ID); !errors.Is(err, asynq.ErrTaskNotFound) {
				t.Errorf("the task is still there: %v", err)
			}
			// A worker that took the task just before finds it cancelled.
			if a := b.admit(p); a.Verdict != tasks.Final {
				t.Errorf("verdict %+v; want final", a)
			}
			if again, err := b.operator.Cancel(t.Context(), receipt.ID); err != nil || again.Failed() != 0 {
				t.Errorf("cancelled again: %+v, error %v", again, err)
			}
		})
	}
}

// cutOff makes one script with this key fail.
type cutOff struct {
	key  string
	done bool
}

func (c *cutOff) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *cutOff) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *cutOff) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		args := cmd.Args()
		if !c.done && cmd.Name() == "evalsha" && args[2] != 1 && slices.Contains(args, any(c.key)) { // one with a single key only reads
			c.done = true
			cmd.SetErr(io.ErrUnexpectedEOF)
			return io.ErrUnexpectedEOF
		}
		return next(ctx, cmd)
	}
}

func TestARecallThatFailsHalfWayIsFinishedWhenRepeated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ at func(part string) string }{
		"at a record": {func(part string) string { return keys.Record("ops", part) }},
		"at a task":   {func(part string) string { return "asynq:{" + queue + "}:t:" + part }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			receipt := b.send(manyUsers(2500), producer.Options{Delay: 10 * 24 * time.Hour})
			part := func(n int) string { return tasks.PartID(receipt.ID, n) }
			b.Redis.AddHook(&cutOff{key: tc.at(part(2))})
			got, err := b.operator.Recall(t.Context(), receipt.ID)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("error %v, want the one of Redis", err)
			}
			var results []operator.Result
			for _, p := range got.Parts {
				results = append(results, p.Result)
				if p.Result == operator.Failed && !strings.Contains(p.Hint, "repeat") {
					t.Errorf("part %+v does not say what to do", p)
				}
			}
			if want := []operator.Result{operator.Cancelled, operator.Failed, operator.Failed}; !slices.Equal(results, want) {
				t.Errorf("parts %+v, want %v", got.Parts, want)
			}
			if again := b.recall(receipt.ID); len(again) != 3 || (operator.Recall{Parts: again}).Failed() > 0 {
				t.Errorf("the second time: %+v, want all parts cancelled", again)
			}
			for n := 1; n <= 3; n++ {
				if _, err := b.Asynq.GetTaskInfo(queue, part(n)); !errors.Is(err, asynq.ErrTaskNotFound) {
					t.Errorf("the task of part %d is still there: %v", n, err)
				}
				if ttl := b.Redis.PTTL(t.Context(), keys.Record("ops", part(n))).Val(); ttl > time.Hour {
					t.Errorf("the record of part %d ends in %s though its task is gone", n, ttl)
				}
			}
		})
	}
}

func TestAMessageThatWaitsLongerThanRecordsAreKeptIsNotSentAfterItsRecall(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("a", producer.Options{Delay: 10 * 24 * time.Hour})
	b.Redis.AddHook(&cutOff{key: "asynq:{" + queue + "}:t:" + receipt.ID}) // recall dies before it removes the task
	if _, err := b.operator.Recall(t.Context(), receipt.ID); err == nil {
		t.Fatal("the task was removed")
	}
	if ttl := b.Redis.PTTL(t.Context(), keys.Record("ops", receipt.ID)).Val(); ttl < 11*24*time.Hour {
		t.Errorf("the record ends in %s, and the task comes in 10 days", ttl)
	}
}

func TestWhatCannotBeCancelled(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	sent := b.send("a", producer.Options{})
	b.deliver(queue, sent.ID)
	sending := b.send("a", producer.Options{})
	b.admit(b.payload(queue, sending.ID))
	doubt := b.send("a", producer.Options{})
	p := b.payload(queue, doubt.ID)
	if _, err := b.ledger.Settle(t.Context(), p, tasks.Settlement{State: tasks.Queued, OutcomeUnknown: true}); err != nil {
		t.Fatal(err)
	}
	for id, says := range map[string]string{
		sent.ID:    "it has been sent",
		sending.ID: "it is sending at this moment",
		doubt.ID:   "WeCom did not say whether it took the message",
	} {
		got, err := b.operator.Cancel(t.Context(), id)
		if err != nil || got.Failed() != 1 || !strings.Contains(got.Parts[0].Reason, says) {
			t.Errorf("%+v, error %v; want a failure that says %q", got, err, says)
		}
	}
	if r := b.record(doubt.ID); r.State != tasks.Unknown {
		t.Errorf("what WeCom may have is %s, want unknown", r.State)
	}
	if r := b.record(sending.ID); r.State != tasks.Sending {
		t.Errorf("what is being sent is %s", r.State)
	}
}

func TestWeComAwayIsTold(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("a", producer.Options{})
	b.deliver(queue, receipt.ID)
	if err := b.WeCom.AddFault(wecomtest.Fault{API: "message/recall", ErrCode: -1}); err != nil {
		t.Fatal(err)
	}
	if got := b.recall(receipt.ID); got[0].Result != operator.Failed || got[0].ErrCode != -1 || got[0].Hint == "" {
		t.Errorf("part %+v, want it failed with errcode -1 and a hint", got[0])
	}
	if r := b.record(receipt.ID); !r.RecalledAt.IsZero() {
		t.Errorf("record %+v, want it not recalled", r)
	}
}

func TestNobodysMessageIsNotFound(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	if _, err := b.operator.Recall(t.Context(), tasks.NewID("ops")); !errors.Is(err, lookup.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func TestAMessageWhoseTaskIsGoneIsCancelledAndNeverReplayed(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.send("chen.li|wang.wu", producer.Options{}).ID
	p := b.payload(queue, id)
	b.admit(p)
	if _, err := b.ledger.Settle(t.Context(), p, tasks.Settlement{State: tasks.Queued, OutcomeUnknown: true}); err != nil {
		t.Fatal(err)
	}
	if err := b.Asynq.DeleteTask(queue, id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.operator.Recall(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r, err := b.ledger.Record(t.Context(), id)
	if err != nil || r.State != tasks.Unknown || r.Recipients.Unknown != 2 {
		t.Errorf("record %+v, %v; want both recipients unknown, for WeCom may have it", r, err)
	}
	if replay, err := b.operator.Replay(t.Context(), id); err == nil {
		t.Errorf("a message without its content is replayed as %+v", replay)
	}
}

func TestACancelledMessageKeepsItsPartiesWhenItsContentIsLost(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	r := tasks.Record{ID: tasks.NewID("ops"), App: "ops", Type: message.TypeText, Priority: tasks.Default, To: message.Recipients{Parties: []string{"1", "2"}, Tags: []string{"3"}}}
	if _, err := b.ledger.SettleLost(t.Context(), r, tasks.Settlement{State: tasks.Cancelled}); err != nil {
		t.Fatal(err)
	}
	kept, err := b.ledger.Record(t.Context(), r.ID)
	if err != nil || kept.Recipients.Cancelled != 3 {
		t.Errorf("record %+v, %v; want three recipients cancelled", kept, err)
	}
}
