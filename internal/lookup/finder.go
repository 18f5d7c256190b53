// Package lookup finds the state of a message: in the ledger after its first attempt, in
// the queue before that.
package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// ErrNotFound is returned for an id that is neither in the ledger nor in the queue.
var ErrNotFound = errors.New("no such message, or its record has expired")

// BroadcastError is [ErrNotFound] for the id of a broadcast, or of a call whose outcome is in the broadcast's report.
type BroadcastError struct{ ID string }

// Error says where to find it.
func (e *BroadcastError) Error() string {
	return fmt.Sprintf("%s is a broadcast: see 'wecomq broadcast status %s', or GET /v1/broadcasts/%s", e.ID, e.ID, e.ID)
}

// Unwrap is [ErrNotFound].
func (e *BroadcastError) Unwrap() error { return ErrNotFound }

// Finder looks up the messages of one app.
type Finder struct {
	app       string
	rdb       redis.UniversalClient
	ledger    *ledger.Ledger
	inspector *asynq.Inspector
	clock     *redisclock.Clock
}

// New returns the finder of app.
func New(rdb redis.UniversalClient, app string, records *ledger.Ledger) *Finder {
	return &Finder{app: app, rdb: rdb, ledger: records, inspector: asynq.NewInspectorFromRedisClient(rdb), clock: redisclock.New(rdb)}
}

// Message returns the record of a message, merged from its parts and follow-ups if it was split.
func (f *Finder) Message(ctx context.Context, id string) (tasks.Record, error) {
	if tasks.IsBroadcast(id) && id == tasks.MessageID(id) { // its task is not a message
		return tasks.Record{}, &BroadcastError{id}
	}
	all, err := f.withFollowUps(ctx, id)
	if errors.Is(err, ErrNotFound) && tasks.IsBroadcast(id) {
		return tasks.Record{}, &BroadcastError{tasks.MessageID(id)}
	}
	if err != nil {
		return tasks.Record{}, err
	}
	for n := 2; n <= all[0].PartCount; n++ {
		part, err := f.withFollowUps(ctx, tasks.PartID(id, n))
		if errors.Is(err, ErrNotFound) { // the other parts are returned all the same
			part, err = []tasks.Record{missing(all[0], tasks.PartID(id, n))}, nil
		}
		if err != nil {
			return tasks.Record{}, err
		}
		all = append(all, part...)
	}
	return tasks.Merge(all), nil
}

// withFollowUps returns the record of one part and those of its follow-ups.
func (f *Finder) withFollowUps(ctx context.Context, id string) ([]tasks.Record, error) {
	first, err := f.part(ctx, id)
	if err != nil {
		return nil, err
	}
	all := []tasks.Record{first}
	for i, users := range first.FollowUps {
		id := tasks.FollowUpID(id, i+1)
		children, err := f.withFollowUps(ctx, id)
		if errors.Is(err, ErrNotFound) {
			children, err = []tasks.Record{pendingFollowUp(first, id, users)}, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, children...)
	}
	return all, nil
}

// pendingFollowUp is a follow-up that is not in the queue yet: a worker is about to enqueue it, or has died, and
// the next worker will.
func pendingFollowUp(first tasks.Record, id string, users []string) tasks.Record {
	return tasks.Record{
		ID: id, App: first.App, Type: first.Type, Priority: first.Priority, State: tasks.Held, EnqueuedAt: first.EnqueuedAt, Actor: first.Actor,
		To: message.Recipients{Users: users}, ErrMsg: "is about to be enqueued",
		Recipients: tasks.Recipients{Invalid: []string{}, Unlicensed: []string{}},
	}
}

// missing is a part that is neither in the ledger nor in the queue.
func missing(first tasks.Record, id string) tasks.Record {
	return tasks.Record{
		ID: id, App: first.App, Type: first.Type, Priority: first.Priority, State: tasks.Unknown, EnqueuedAt: first.EnqueuedAt, Actor: first.Actor,
		ErrMsg:     "it was never enqueued, was deleted, or its record has expired",
		Recipients: tasks.Recipients{Invalid: []string{}, Unlicensed: []string{}},
	}
}

// ByMsgID returns the record of the message with this msgid of WeCom.
func (f *Finder) ByMsgID(ctx context.Context, msgid string) (tasks.Record, error) {
	id, err := f.ledger.ID(ctx, msgid)
	if errors.Is(err, ledger.ErrNotFound) {
		return tasks.Record{}, fmt.Errorf("msgid %s: %w", msgid, ErrNotFound)
	}
	if err != nil {
		return tasks.Record{}, err
	}
	return f.Message(ctx, tasks.MessageID(id))
}

// ByKey returns the record of the message that an owner enqueued under an idempotency key; owner "" means the app.
func (f *Finder) ByKey(ctx context.Context, owner, key string) (tasks.Record, error) {
	id, err := f.ledger.IDOfKey(ctx, owner, key)
	if err != nil {
		return tasks.Record{}, err
	}
	return f.Message(ctx, id)
}

// Part returns the record of a single part or follow-up.
func (f *Finder) Part(ctx context.Context, id string) (tasks.Record, error) { return f.part(ctx, id) }

// part looks in the ledger, then in the queue. If a message is sent in between, the queue shows it as finished
// or not at all: by then the ledger has it.
func (f *Finder) part(ctx context.Context, id string) (tasks.Record, error) {
	record, err := f.ledger.Record(ctx, id)
	if !errors.Is(err, ledger.ErrNotFound) {
		return record, err
	}
	waiting, queueErr := f.queued(ctx, id)
	if queueErr == nil && !waiting.State.Final() {
		return waiting, nil
	}
	record, err = f.ledger.Record(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return waiting, queueErr
	}
	return record, err
}

// queued makes the record of a message without an attempt.
func (f *Finder) queued(ctx context.Context, id string) (tasks.Record, error) {
	info, err := asynqx.FindTask(f.inspector, f.app, id)
	if asynqx.IsNotFound(err) {
		return tasks.Record{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err != nil {
		return tasks.Record{}, err
	}
	record := fromTask(f.app, id, info)
	if record.State == tasks.Scheduled {
		now, err := f.clock.Now(ctx)
		if err != nil {
			return tasks.Record{}, err
		}
		if record.ProcessAt = info.NextProcessAt.UTC(); !record.ProcessAt.After(now) {
			record.State, record.ProcessAt = tasks.Queued, time.Time{} // it only waits for a worker
		}
	}
	return f.markHeld(ctx, record)
}

// markHeld changes a queued message to held while its app is paused.
func (f *Finder) markHeld(ctx context.Context, r tasks.Record) (tasks.Record, error) {
	if r.State != tasks.Queued {
		return r, nil
	}
	why, err := f.whyPaused(ctx, r.Priority)
	if why != "" {
		r.State, r.ErrMsg = tasks.Held, why
	}
	return r, err
}

// whyPaused returns why messages of a priority are not sent now, "" if they are.
func (f *Finder) whyPaused(ctx context.Context, p tasks.Priority) (string, error) {
	left, err := asynqx.PauseLeft(ctx, f.rdb, tasks.Queue(f.app, p))
	switch {
	case err != nil || left == 0:
		return "", err
	case left == asynqx.PausedByHand:
		return "the app is paused by hand; 'wecomq app resume' resumes it", nil
	}
	return fmt.Sprintf("the app is blocked for another %s; 'wecomq app ls' says why", left.Round(time.Second)), nil
}

func fromTask(app, id string, info *asynq.TaskInfo) tasks.Record {
	// A task's result in the dashboard outlives the record if `retention` is longer.
	if ended := new(tasks.Record); json.Unmarshal(info.Result, ended) == nil && ended.ID == id {
		return *ended
	}
	_, priority, _ := tasks.ParseQueue(info.Queue) // the queue is one of ours
	record := fromPayload(app, id, priority, info.Type, info.Payload)
	record.State, record.ErrMsg = states[info.State], info.LastErr
	if record.State == tasks.Rejected {
		record.FinishedAt = info.LastFailedAt.UTC()
	}
	return record
}

// fromPayload makes the record of a message, without its state, from its payload.
func fromPayload(app, id string, priority tasks.Priority, typeName string, payload []byte) tasks.Record {
	record := tasks.Record{
		ID: id, App: app, Priority: priority,
		Recipients: tasks.Recipients{Invalid: []string{}, Unlicensed: []string{}},
	}
	if p, err := tasks.Decode(typeName, payload); err == nil {
		record.Type, record.PartCount, record.Actor = p.Type, p.Parts, p.Actor
		record.EnqueuedAt, record.To = p.EnqueuedAt.UTC().Truncate(time.Millisecond), ledger.Addressees(p.Body)
	}
	return record
}

// states are asynq's states as those of a message without a record. Only a task with an unreadable payload is
// archived without a record.
var states = map[asynq.TaskState]tasks.State{
	asynq.TaskStateScheduled: tasks.Scheduled,
	asynq.TaskStatePending:   tasks.Queued,
	asynq.TaskStateRetry:     tasks.Queued,
	asynq.TaskStateActive:    tasks.Sending,
	asynq.TaskStateArchived:  tasks.Rejected,
	asynq.TaskStateCompleted: tasks.Unknown,
}
