// Package ledger keeps one record per message in Redis: the attempt is written
// before the call and its outcome after, so that a worker that dies in between
// leaves a trace, and a redelivered task finds what has been done already.
package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// ErrNotFound is returned for a message that has no record: it was never
// attempted, its record has expired, or it does not exist.
var ErrNotFound = errors.New("no record")

// BeginSource is the Lua with which internal/pacing looks at a message's record
// and writes down its attempt; it asks the limits in the same round trip.
var BeginSource = Constants + broadcastSource + beginSource

var (
	//go:embed broadcast.lua
	broadcastSource string
	//go:embed begin.lua
	beginSource string
	//go:embed settle.lua
	settleSource string
	//go:embed gone.lua
	goneSource string

	settleScript = redis.NewScript(Constants + broadcastSource + settleSource)
	goneScript   = redis.NewScript(Constants + goneSource)
)

// Ledger holds the records of one app.
type Ledger struct {
	rdb  redis.UniversalClient
	app  string
	keep time.Duration
}

// New gives the ledger of app; the record of a message that has ended is kept for that
// long, once its task is gone.
func New(rdb redis.UniversalClient, app string, keep time.Duration) *Ledger {
	return &Ledger{rdb: rdb, app: app, keep: keep}
}

// resultsKept is about how many ended messages the result stream holds.
const resultsKept = 10_000

// Settle writes down what became of an attempt, and returns the whole record. A
// record takes a new state only as the table of package tasks allows: a final one
// stays as it is, unless WeCom turns out to have taken the message.
func (l *Ledger) Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error) {
	var payload []byte
	if s.State.Final() && s.State != tasks.Accepted {
		payload = tasks.Encode(p)
	}
	return l.settle(ctx, p.ID, s, payload, settleFields(p, s))
}

// SettleLost ends a message whose task and payload are gone: nobody can send it, now or
// later. What its record does not know is taken from r.
func (l *Ledger) SettleLost(ctx context.Context, r tasks.Record, s tasks.Settlement) (tasks.Record, error) {
	fields := appendAddressees([]any{
		fieldType, string(r.Type), fieldPriority, string(r.Priority), fieldEnqueuedAt, r.EnqueuedAt.UnixMilli(),
		fieldErrCode, s.ErrCode, fieldErrMsg, s.ErrMsg, fieldAccepted, 0,
	}, strings.Join(r.To.Users, listSeparator), strings.Join(r.To.Parties, listSeparator), strings.Join(r.To.Tags, listSeparator))
	return l.settle(ctx, r.ID, s, nil, fields)
}

func (l *Ledger) settle(ctx context.Context, id string, s tasks.Settlement, payload []byte, fields []any) (tasks.Record, error) {
	record := keys.Record(l.app, id)
	index := record
	if s.MsgID != "" {
		index = keys.MsgID(l.app, s.MsgID)
	}
	args := append([]any{
		string(s.State), flag(s.OutcomeUnknown), l.keep.Milliseconds(), 0, id, StatesList(tasks.From(s.State)), payload, resultsKept,
		BroadcastCall(id), PackMsgID(s.MsgID),
	}, fields...)
	reply, err := settleScript.Run(durability.Promised(ctx), l.rdb, []string{
		record, index, keys.Records(l.app), keys.Results(l.app), keys.Dead(l.app), keys.Payload(l.app, id),
		BroadcastKey(l.app, id),
	}, args...).StringSlice()
	if err != nil {
		return tasks.Record{}, fmt.Errorf("settle attempt of %s: %w", id, err)
	}
	return readRecord(l.app, id, pairs(reply)), nil
}

// TaskGone notes that a message has no task any more, which nobody can deliver again
// then: if the message has ended, its record is kept for the ledger's time from now. A
// record that is not told of stays for 90 days.
func (l *Ledger) TaskGone(ctx context.Context, id string) error {
	err := goneScript.Run(ctx, l.rdb, []string{keys.Record(l.app, id)}, l.keep.Milliseconds()).Err()
	if err != nil {
		return fmt.Errorf("note that %s has no task: %w", id, err)
	}
	return nil
}

// StatesList is ",queued,held," for a script to look into.
func StatesList[S ~string](states []S) string {
	var b strings.Builder
	b.WriteByte(',')
	for _, state := range states {
		b.WriteString(string(state))
		b.WriteByte(',')
	}
	return b.String()
}

// Record looks up a message, or one part of it, by id.
func (l *Ledger) Record(ctx context.Context, id string) (tasks.Record, error) {
	fields, err := l.rdb.HGetAll(ctx, keys.Record(l.app, id)).Result()
	if err != nil {
		return tasks.Record{}, fmt.Errorf("read record %s: %w", id, err)
	}
	if len(fields) == 0 {
		return tasks.Record{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return readRecord(l.app, id, fields), nil
}

// ID finds the id of the message that WeCom gave this msgid.
func (l *Ledger) ID(ctx context.Context, msgid string) (string, error) {
	id, err := l.rdb.Get(ctx, keys.MsgID(l.app, msgid)).Result()
	if errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("msgid %s: %w", msgid, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("look up msgid: %w", err)
	}
	return id, nil
}

// IDOfKey finds the id of the message that was enqueued under an idempotency key. If
// there is no claim, it is the id that derives from the key.
func (l *Ledger) IDOfKey(ctx context.Context, key string) (string, error) {
	derived := tasks.IDFromKey(l.app, key)
	claim, err := l.rdb.Get(ctx, keys.IdempotencyKey(l.app, derived)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("look up idempotency key: %w", err)
	}
	if id, _, found := strings.Cut(claim, " "); found {
		return id, nil
	}
	return derived, nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
