package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// Outcome is the outcome of a repair.
type Outcome string

// The outcomes.
const (
	Requeued Outcome = "requeued" // it is in its queue again
	Settled  Outcome = "settled"  // it can no longer be sent, and its record says so
	Left     Outcome = "left"     // nothing was done
)

// Repair is the result of repairing a finding of an audit.
type Repair struct {
	ID      string      `json:"id"`
	App     string      `json:"app"`
	Outcome Outcome     `json:"outcome"`
	State   tasks.State `json:"state,omitempty"` // the message's present state; "" if it was not tried yet
	Text    string      `json:"text"`
}

// Repair puts a stuck message back into its queue. The worker that takes it decides whether it may be sent
// again, as for any message whose worker died: a recorded attempt without an outcome is in doubt. A message
// whose content is gone is settled: as unknown if WeCom may have it, otherwise as rejected.
func (o *Operator) Repair(ctx context.Context, f audit.Finding) (repair Repair, err error) {
	defer func() { activity.Record(ctx, activity.Repair, f.App, f.ID, err) }()
	switch f.Kind {
	case audit.Stuck:
		repair, err = o.unstick(ctx, f)
	case audit.Missing:
		repair, err = o.settleMissing(ctx, f)
	default:
		repair = Repair{Outcome: Left, State: f.State, Text: "the record does not say what became of the others"}
	}
	repair.ID, repair.App = f.ID, f.App
	if err != nil {
		return repair, fmt.Errorf("repair %s: %w", f.ID, err)
	}
	return repair, nil
}

func (o *Operator) unstick(ctx context.Context, f audit.Finding) (Repair, error) {
	requeued, err := asynqx.Requeue(ctx, o.Redis, asynqx.TaskRef{Queue: f.Queue, ID: f.ID})
	if err != nil || requeued {
		return Repair{Outcome: Requeued, State: f.State, Text: "it is the next of queue " + f.Queue}, err
	}
	record, err := o.Ledger.Record(ctx, f.ID)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && record.State.Final() {
		return Repair{Outcome: Left, State: record.State, Text: "it has ended meanwhile"}, nil
	}
	if err != nil {
		return Repair{}, err
	}
	payload, err := o.Ledger.Payload(ctx, f.ID, record.Type)
	if errors.Is(err, ledger.ErrNotFound) {
		return o.settleLost(ctx, record)
	}
	if err != nil {
		return Repair{}, err
	}
	return o.enqueueAgain(ctx, payload, record.State)
}

// enqueueAgain makes a new task for a message that has lost its task. If there is one, another process was faster.
func (o *Operator) enqueueAgain(ctx context.Context, p tasks.Payload, state tasks.State) (Repair, error) {
	now, err := o.clock.Now(ctx)
	if err != nil {
		return Repair{}, err
	}
	task := asynqx.NewTask(p, o.Retention[p.Priority], time.Time{})
	err = asynqx.BulkEnqueue(ctx, o.Redis, now, []asynqx.Task{task})[0].Err
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return Repair{}, err
	}
	return Repair{Outcome: Requeued, State: state, Text: "it has a new task in queue " + tasks.Queue(p.App, p.Priority)}, nil
}

// settleMissing gives a record to a message that only another record names.
func (o *Operator) settleMissing(ctx context.Context, f audit.Finding) (Repair, error) {
	record, err := o.Ledger.Record(ctx, f.ID)
	switch {
	case err == nil:
		return Repair{Outcome: Left, State: record.State, Text: "it has a record meanwhile"}, nil
	case !errors.Is(err, ledger.ErrNotFound):
		return Repair{}, err
	}
	return o.settleLost(ctx, f.Lost)
}

// settleLost ends a message whose content is gone. The ledger turns rejected into unknown if an earlier attempt
// is in doubt; an attempt that was in progress is.
func (o *Operator) settleLost(ctx context.Context, r tasks.Record) (Repair, error) {
	s := tasks.Settlement{State: tasks.Rejected, ErrMsg: "its task was lost with its content, and it was never sent"}
	if r.State == tasks.Sending {
		s = tasks.Settlement{
			State: tasks.Unknown, OutcomeUnknown: true, ErrMsg: "its task was lost with its content during an attempt, which got no answer",
		}
	}
	settled, err := o.Ledger.SettleLost(ctx, r, s)
	if err == nil {
		err = o.Ledger.TasksGone(ctx, r.ID)
	}
	return Repair{Outcome: Settled, State: settled.State, Text: settled.ErrMsg}, err
}
