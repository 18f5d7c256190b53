package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/tracing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Replay is a message that is sent again as another one.
type Replay struct {
	ID         string `json:"id"`          // of the message, or part, that failed
	ReplayedAs string `json:"replayed_as"` // of the message that replaces it
	Queue      string `json:"queue"`
	Recipients int    `json:"recipients"` // of the new message: those who did not receive the old one
	// Duplicate is set if the message had been replayed before; nothing was done.
	Duplicate bool `json:"duplicate"`
	// Warning is set for a message that WeCom may have taken.
	Warning string `json:"warning,omitempty"`
}

const doubleWarning = "WeCom may have taken the first message: whoever got it gets it twice"

// Replay sends a message again to those who did not receive it, as a new message without the old one's deadline.
// Of a message in parts, the failed parts are replayed; the id of a part names only that one.
func (o *Operator) Replay(ctx context.Context, id string) (replays []Replay, err error) {
	defer func() { activity.Record(ctx, activity.ReplayMessage, o.App, id, err) }()
	parts, err := o.parts(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		if !isReplayable(part) {
			continue
		}
		replay, err := o.ReplayRecord(ctx, part)
		if err != nil {
			return replays, err
		}
		replays = append(replays, replay)
	}
	if len(replays) == 0 {
		return nil, fmt.Errorf("%s is %s: %w", id, tasks.Merge(parts).State, ledger.ErrNotReplayable)
	}
	return replays, nil
}

// isReplayable excludes a message with an attempt still in progress elsewhere.
func isReplayable(r tasks.Record) bool {
	return r.State.Replayable() && (r.State != tasks.Partial || len(undelivered(r)) > 0)
}

// ReplayRecord is Replay for a known record.
//
// The old record is claimed before the new message is enqueued, and the new id derives from the old one. So of
// two concurrent replays of a message one finds the other's; and if a process dies after the claim and before
// the enqueue, the next replay enqueues the message.
func (o *Operator) ReplayRecord(ctx context.Context, r tasks.Record) (Replay, error) {
	if r.Type == tasks.CardUpdateType {
		return Replay{}, fmt.Errorf("%s is the update of a card, which 'wecomq card update %s' repeats: %w", r.ID, r.UpdateOf, ledger.ErrNotReplayable)
	}
	old, err := o.Ledger.Payload(ctx, r.ID, r.Type)
	if err != nil {
		return Replay{}, fmt.Errorf("replay %s: %w", r.ID, err)
	}
	p, err := o.renew(ctx, old, r)
	if err != nil {
		return Replay{}, fmt.Errorf("replay %s: %w", r.ID, err)
	}
	claimed, err := o.Ledger.ClaimReplay(ctx, r.ID, p.ID)
	if err != nil {
		return Replay{}, err
	}
	replay := Replay{ID: r.ID, ReplayedAs: p.ID, Queue: tasks.Queue(p.App, p.Priority), Recipients: r.To.Count()}
	if r.State == tasks.Partial {
		replay.Recipients = len(undelivered(r))
	}
	if r.State == tasks.Unknown {
		replay.Warning = doubleWarning
	}
	if replay.Duplicate, err = o.enqueue(ctx, p); err != nil {
		if claimed {
			err = errors.Join(err, o.Ledger.ReleaseReplay(context.WithoutCancel(ctx), r.ID, p.ID))
		}
		return Replay{}, err
	}
	if r.State == tasks.Partial {
		return replay, nil // its task is not a dead letter
	}
	return replay, o.dropTask(ctx, tasks.Queue(r.App, r.Priority), r.ID)
}

// ReplayAll replays the dead letters that match a query and exist now, one after the other. each is called with
// every result, and returns whether to continue. Updates of cards are left out: a card can be updated again.
func (o *Operator) ReplayAll(ctx context.Context, query ledger.Query, each func(Replay, error) (more bool)) (err error) {
	replayed := 0
	defer func() {
		activity.Record(ctx, activity.ReplayDead, o.App, fmt.Sprintf("%d messages", replayed), err)
	}()
	// A replay that fails again becomes a dead letter, too, but is not replayed here.
	now, err := o.Ledger.Now(ctx)
	if err != nil {
		return err
	}
	if query.Until.IsZero() || query.Until.After(now) {
		query.Until = now
	}
	for record, err := range o.Ledger.DeadLetters(ctx, query) {
		if err != nil {
			return err
		}
		if record.Type == tasks.CardUpdateType {
			continue
		}
		replay, err := o.ReplayRecord(ctx, record)
		if err == nil && !replay.Duplicate {
			replayed++
		}
		if !each(replay, err) {
			return nil
		}
	}
	return nil
}

// enqueue reports whether the message already existed, in the queue or in the ledger.
func (o *Operator) enqueue(ctx context.Context, p tasks.Payload) (before bool, err error) {
	if _, err := o.Ledger.Record(ctx, p.ID); !errors.Is(err, ledger.ErrNotFound) {
		return err == nil, err
	}
	task := asynqx.NewTask(p, o.Retention[p.Priority], time.Time{}).WithHeaders(tracing.Headers(ctx))
	err = asynqx.BulkEnqueue(ctx, o.Redis, p.EnqueuedAt, []asynqx.Task{task})[0].Err
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return true, nil
	}
	return false, err
}

// renew makes the new message: the same bytes, or for a partial message the same content to those whom WeCom refused.
func (o *Operator) renew(ctx context.Context, old tasks.Payload, r tasks.Record) (tasks.Payload, error) {
	now, err := o.clock.Now(ctx)
	if err != nil {
		return tasks.Payload{}, err
	}
	p := tasks.Payload{
		ID: tasks.IDFromKey(old.App, "replay\x00"+old.ID), App: old.App, Priority: old.Priority, Type: old.Type,
		Body: old.Body, EnqueuedAt: now, ReplayOf: old.ID, Actor: activity.Name(ctx),
	}
	if r.State != tasks.Partial {
		if r.Recipients.Deferred > 0 { // they have a message of their own
			p.Body = message.WithToUser(old.Body, r.To.Users)
		}
		return p, nil
	}
	request, err := message.ParseRaw(old.Body)
	if err != nil {
		return p, err
	}
	p.Body, err = message.Encode(message.WithRecipients(request, refused(r)))
	return p, err
}

// refused are the recipients that WeCom named as invalid or unlicensed.
func refused(r tasks.Record) message.Recipients {
	users := slices.Concat(r.Recipients.Invalid, r.Recipients.Unlicensed)
	return message.Recipients{
		Users: among(r.To.Users, users), Parties: among(r.To.Parties, r.Recipients.InvalidParties), Tags: among(r.To.Tags, r.Recipients.InvalidTags),
	}
}

// among keeps those that are listed: WeCom lists userids in lower case.
func among(named, listed []string) []string {
	set := make(map[string]bool, len(listed))
	for _, id := range listed {
		set[strings.ToLower(id)] = true
	}
	return slices.DeleteFunc(slices.Clone(named), func(id string) bool { return !set[strings.ToLower(id)] })
}

func undelivered(r tasks.Record) []string {
	to := refused(r)
	return slices.Concat(to.Users, to.Parties, to.Tags)
}
