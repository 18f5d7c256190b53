package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Result is the result of recalling or cancelling one part of a message.
type Result string

// The results.
const (
	Recalled  Result = "recalled"  // from WeCom's clients
	Cancelled Result = "cancelled" // it was not sent, and will not be
	Failed    Result = "failed"    // it was left unchanged
)

// Recall is the result of recalling or cancelling a message.
type Recall struct {
	ID    string         `json:"id"`
	App   string         `json:"app"`
	Parts []RecalledPart `json:"parts"` // one for a message that was sent in one call
}

// RecalledPart is the result for one call of message/send.
type RecalledPart struct {
	ID         string    `json:"id"`
	Result     Result    `json:"result"`
	MsgID      string    `json:"msgid,omitempty"`
	RecalledAt time.Time `json:"recalled_at,omitzero"`
	// ErrCode and Reason say why it failed, Hint what to do about it.
	ErrCode int64  `json:"errcode,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Failed counts the parts that could not be recalled or cancelled.
func (r Recall) Failed() int {
	failed := 0
	for _, part := range r.Parts {
		if part.Result == Failed {
			failed++
		}
	}
	return failed
}

// Recall recalls a message: parts sent in the last 24 hours from WeCom's clients, unsent parts from the queue.
// The error is about looking the message up; failures are reported part by part.
func (o *Operator) Recall(ctx context.Context, id string) (Recall, error) {
	recall, err := o.takeBack(ctx, id, o.recall)
	activity.Record(ctx, activity.RecallMessage, o.App, id, notTakenBack(recall, err))
	return recall, err
}

// Cancel removes a message from the queue. Parts that were already sent fail.
func (o *Operator) Cancel(ctx context.Context, id string) (Recall, error) {
	recall, err := o.takeBack(ctx, id, func(_ context.Context, r tasks.Record) (RecalledPart, error) {
		return failure(r, "it has been sent", "recall it"), nil
	})
	activity.Record(ctx, activity.CancelMessage, o.App, id, notTakenBack(recall, err))
	return recall, err
}

// notTakenBack is why a part was not recalled or cancelled, nil if all were.
func notTakenBack(r Recall, err error) error {
	for _, part := range r.Parts {
		if err == nil && part.Result == Failed {
			err = fmt.Errorf("%d of %d parts: %s", r.Failed(), len(r.Parts), part.Reason)
		}
	}
	return err
}

// onSent recalls a part that WeCom has.
type onSent func(context.Context, tasks.Record) (RecalledPart, error)

// takeBack handles each part by its state. A failed part does not stop the others, unless Redis is unavailable:
// then they are not tried. A repeated call handles the remaining ones.
func (o *Operator) takeBack(ctx context.Context, id string, sent onSent) (Recall, error) {
	records, err := o.parts(ctx, id)
	if err != nil {
		return Recall{}, err
	}
	all := Recall{ID: id, App: o.App, Parts: make([]RecalledPart, 0, len(records))}
	var problems []error
	for _, record := range records {
		part := failure(record, "Redis did not answer before its turn came", goOn)
		if !asynqx.IsOutage(err) {
			if part, err = o.takeBackPart(ctx, record, sent); err != nil {
				problems = append(problems, err)
				part = failure(record, err.Error(), goOn)
			}
		}
		all.Parts = append(all.Parts, part)
	}
	return all, errors.Join(problems...)
}

// goOn is the hint for a part that was left because of Redis.
const goOn = "repeat the command: it continues with the rest"

func (o *Operator) takeBackPart(ctx context.Context, r tasks.Record, sent onSent) (RecalledPart, error) {
	var err error
	switch {
	case r.State == tasks.Cancelled: // perhaps by a process that did not get as far as the task
		err = o.dropCancelled(ctx, r)
	case !r.State.Final(): // a part that is being sent stays in that state
		r, err = o.cancel(ctx, r)
	}
	if err != nil {
		return RecalledPart{}, err
	}
	if r.State.Sent() {
		return sent(ctx, r)
	}
	return ended(r), nil
}

// cancel ends a waiting message, and returns its record. The record comes first: from then on no worker sends
// it, whichever has the task.
func (o *Operator) cancel(ctx context.Context, r tasks.Record) (tasks.Record, error) {
	info, err := asynqx.FindTask(o.inspector, o.App, r.ID)
	if err != nil && !asynqx.IsNotFound(err) {
		return r, err
	}
	r, err = o.settleCancelled(ctx, r, info)
	if err != nil || info == nil || !r.State.Final() {
		return r, err
	}
	return r, o.dropTask(ctx, info.Queue, r.ID)
}

// settleCancelled keeps the content of a message that may have to be replayed, because WeCom may have it. A
// payload that this version cannot read may be sent by a newer worker.
func (o *Operator) settleCancelled(ctx context.Context, r tasks.Record, info *asynq.TaskInfo) (tasks.Record, error) {
	cancelled := tasks.Settlement{State: tasks.Cancelled, ErrMsg: "cancelled before it was sent"}
	if info != nil {
		if payload, err := tasks.Decode(info.Type, info.Payload); err == nil {
			return o.Ledger.Settle(ctx, payload, cancelled)
		}
	}
	return o.Ledger.SettleLost(ctx, r, cancelled)
}

// dropCancelled removes the task of a message that was cancelled, if it is still there.
func (o *Operator) dropCancelled(ctx context.Context, r tasks.Record) error {
	info, err := asynqx.FindTask(o.inspector, o.App, r.ID)
	if asynqx.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return o.dropTask(ctx, info.Queue, r.ID)
}

// ended is the result for a message that WeCom does not have.
func ended(r tasks.Record) RecalledPart {
	switch r.State {
	case tasks.Cancelled:
		return RecalledPart{ID: r.ID, Result: Cancelled}
	case tasks.Rejected, tasks.Expired:
		if r.ReplayedAs != "" {
			return failure(r, "another message was sent in its place", "recall "+r.ReplayedAs)
		}
		return failure(r, fmt.Sprintf("it is %s: it was never delivered", r.State), "nothing is to be done")
	case tasks.Unknown:
		return failure(r, "WeCom did not say whether it took the message, and gave no msgid to recall it by",
			"ask a recipient; it is not sent again")
	default:
		return failure(r, fmt.Sprintf("it is %s at this moment", r.State), "try again in a minute")
	}
}

// recall recalls a message that WeCom has.
func (o *Operator) recall(ctx context.Context, r tasks.Record) (RecalledPart, error) {
	part := RecalledPart{ID: r.ID, Result: Recalled, MsgID: r.MsgID, RecalledAt: r.RecalledAt}
	now, err := o.clock.Now(ctx)
	if err != nil {
		return part, err
	}
	switch {
	case !r.RecalledAt.IsZero():
		return part, nil
	case r.MsgID == "":
		return failure(r, "WeCom gave no msgid to recall it by", "nothing is to be done"), nil
	case now.Sub(r.FinishedAt) > message.RecallWindow:
		return tooOld(r, now.Sub(r.FinishedAt)), nil
	}
	if _, err := o.Recaller.RecallContext(ctx, message.RecallRequest{MsgID: r.MsgID}); err != nil {
		part = failure(r, err.Error(), wecom.HintOf(err))
		if refused, ok := errors.AsType[*wecom.Error](err); ok {
			part.ErrCode = int64(refused.Code)
		}
		return part, nil
	}
	part.RecalledAt = o.clock.Latest().UTC().Truncate(time.Millisecond)
	return part, o.Ledger.MarkRecalled(context.WithoutCancel(ctx), r.ID, part.RecalledAt)
}

// tooOld is WeCom's own answer, without the call.
func tooOld(r tasks.Record, age time.Duration) RecalledPart {
	part := failure(r, fmt.Sprintf("it was sent %s ago", age.Round(time.Minute)), wecom.CodeTooLateToRecall.Hint())
	part.ErrCode = int64(wecom.CodeTooLateToRecall)
	return part
}

func failure(r tasks.Record, reason, hint string) RecalledPart {
	return RecalledPart{ID: r.ID, Result: Failed, MsgID: r.MsgID, Reason: reason, Hint: hint}
}
