package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Cancel implements [gateway.Canceller].
func (b *backends) Cancel(ctx context.Context, app, id string) (tasks.Record, error) {
	return b.takeBack(ctx, app, id, (*operator.Operator).Cancel)
}

// Recall implements [gateway.Recaller].
func (b *backends) Recall(ctx context.Context, app, id string) (tasks.Record, error) {
	return b.takeBack(ctx, app, id, (*operator.Operator).Recall)
}

// takeBack cancels or recalls a message, and returns its record afterwards.
func (b *backends) takeBack(
	ctx context.Context, app, id string, do func(*operator.Operator, context.Context, string) (operator.Recall, error),
) (tasks.Record, error) {
	backend, err := b.of(app)
	if err != nil {
		return tasks.Record{}, err
	}
	result, err := do(backend.operator, ctx, id)
	if errors.Is(err, lookup.ErrNotFound) && !tasks.IsBroadcast(id) {
		return b.takeBackWaiting(ctx, backend, app, id)
	}
	if err != nil {
		return tasks.Record{}, lookupFault(id, err)
	}
	for _, part := range result.Parts {
		if part.Result == operator.Failed {
			return tasks.Record{}, notTakenBack(part)
		}
	}
	return b.Record(ctx, app, id)
}

// takeBackWaiting cancels a webhook's message that is not in the queue yet. It writes the record first: from
// then on no worker sends the message, even if it is enqueued.
func (b *backends) takeBackWaiting(ctx context.Context, backend *backend, app, id string) (tasks.Record, error) {
	record, err := b.waiting(ctx, app, id)
	if err != nil {
		return tasks.Record{}, err
	}
	payload := tasks.Payload{ID: id, App: app, Priority: record.Priority, Type: record.Type, EnqueuedAt: time.Now(), Body: []byte(`{}`), Actor: record.Actor}
	record, err = backend.ledger.Settle(ctx, payload, tasks.Settlement{State: tasks.Cancelled, ErrMsg: "cancelled before it was sent"})
	if err == nil {
		err = webhook.DropWaiting(ctx, b.current.Load().rdb, app, id)
	}
	activity.Record(ctx, activity.CancelMessage, app, id, err)
	return record, lookupFault(id, err)
}

// notTakenBack is the error for a part that could not be recalled, with WeCom's errcode if there is one.
func notTakenBack(part operator.RecalledPart) error {
	text := part.ID + ": " + part.Reason
	if part.Hint != "" {
		text += "; " + part.Hint
	}
	if part.ErrCode == 0 {
		return fmt.Errorf("%w: %s", gateway.ErrConflict, text)
	}
	return fmt.Errorf("%w: %s: %w", gateway.ErrConflict, text,
		&wecom.Error{API: message.APIRecall, Code: wecom.Code(part.ErrCode), Msg: part.Reason})
}

// Replay implements [gateway.Replayer].
func (b *backends) Replay(ctx context.Context, app, id string) ([]gateway.Replay, error) {
	backend, err := b.of(app)
	if err != nil {
		return nil, err
	}
	replays, err := backend.operator.Replay(ctx, id)
	if err != nil {
		return nil, lookupFault(id, err)
	}
	answers := make([]gateway.Replay, len(replays))
	for i, r := range replays {
		answers[i] = gateway.Replay{
			ID: r.ID, ReplayedAs: r.ReplayedAs, Recipients: r.Recipients, Duplicate: r.Duplicate, Warning: r.Warning,
		}
	}
	return answers, nil
}

// UpdateCard implements [gateway.CardUpdater].
func (b *backends) UpdateCard(ctx context.Context, app, id string, update message.UpdateTemplateCardRequest) (tasks.Receipt, error) {
	backend, err := b.of(app)
	if err != nil {
		return tasks.Receipt{}, err
	}
	receipt, err := backend.operator.UpdateCard(ctx, id, update, "")
	if errors.Is(err, lookup.ErrNotFound) {
		if _, waitErr := b.waiting(ctx, app, id); !errors.Is(waitErr, gateway.ErrNotFound) {
			err = cmp.Or(waitErr, operator.ErrNotSentYet)
		}
	}
	return receipt, cardFault(id, err)
}

// ChangeCard implements [webhook.Queue].
func (b *backends) ChangeCard(
	ctx context.Context, app, id string, update message.UpdateTemplateCardRequest, key string,
) (tasks.State, error) {
	backend, err := b.of(app)
	if err != nil {
		return tasks.None, err
	}
	receipt, err := backend.operator.UpdateCard(ctx, id, update, key)
	_, invalid := errors.AsType[*message.ValidationError](err)
	switch {
	case operator.IsGone(err), invalid:
		return tasks.None, fmt.Errorf("%w: %w", webhook.ErrUnchangeable, err)
	case errors.Is(err, operator.ErrNotSentYet):
		return tasks.Queued, nil
	case err != nil || receipt.State != tasks.Held:
		return receipt.State, cardFault(id, err)
	}
	return b.heldUpdate(ctx, backend, receipt.ID)
}

// heldUpdate is the state of a held update. If it waits for a change of the app's settings, it could wait for
// days.
func (b *backends) heldUpdate(ctx context.Context, backend *backend, id string) (tasks.State, error) {
	record, err := backend.finder.Message(ctx, id)
	if code := wecom.Code(record.ErrCode); err == nil && record.State == tasks.Held && code.Class() == wecom.ClassConfig {
		return tasks.None, fmt.Errorf("%w: update %s is held: %w", webhook.ErrUnchangeable, id, code)
	}
	return record.State, lookupFault(id, err)
}

// cardFault classifies the error of an update of a card.
func cardFault(id string, err error) error {
	_, invalid := errors.AsType[*message.ValidationError](err)
	switch {
	case err == nil || invalid:
		return err
	case errors.Is(err, operator.ErrNotSentYet), operator.IsGone(err) && !errors.Is(err, lookup.ErrNotFound):
		return fmt.Errorf("%w: %w", gateway.ErrConflict, err)
	}
	return lookupFault(id, enqueueFault(err))
}

// Apps implements [gateway.AppLister].
func (b *backends) Apps(ctx context.Context) ([]gateway.AppStatus, error) {
	set := b.current.Load()
	all, err := set.states.Statuses(ctx, slices.Sorted(maps.Keys(set.apps))...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return all, nil
}
