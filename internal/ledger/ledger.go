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

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// ErrNotFound is returned for a message that has no record: it was never
// attempted, its record's time is over, or it does not exist.
var ErrNotFound = errors.New("no record")

var (
	//go:embed begin.lua
	beginSource string
	//go:embed settle.lua
	settleSource string

	beginScript  = redis.NewScript(beginSource)
	settleScript = redis.NewScript(settleSource)
)

// Ledger holds the records of one app.
type Ledger struct {
	rdb  redis.UniversalClient
	app  string
	keep time.Duration
}

// New gives the ledger of app; a record is kept for that long after its last change.
func New(rdb redis.UniversalClient, app string, keep time.Duration) *Ledger {
	return &Ledger{rdb: rdb, app: app, keep: keep}
}

// Begin writes down an attempt, or says why there must be none.
func (l *Ledger) Begin(ctx context.Context, p tasks.Payload, policy tasks.ResendPolicy) (tasks.Attempt, error) {
	resend := policy.Window.Milliseconds()
	if policy.Window == tasks.Forever {
		resend = -1
	}
	var deadline int64
	if !p.ExpiresAt.IsZero() {
		deadline = p.ExpiresAt.UnixMilli()
	}
	args := append([]any{
		policy.InFlight.Milliseconds(), resend, flag(policy.MayDouble), deadline, l.keep.Milliseconds(), 0,
	}, beginFields(p)...)
	reply, err := beginScript.Run(ctx, l.rdb, []string{keys.Record(l.app, p.ID)}, args...).Slice()
	if err != nil {
		return tasks.Attempt{}, fmt.Errorf("begin attempt of %s: %w", p.ID, err)
	}
	return readAttempt(reply)
}

// resultsKept is about how many ended messages the result stream holds.
const resultsKept = 10_000

// Settle writes down what became of an attempt, and returns the whole record. A
// record takes a new state only as the table of package tasks allows: a final one
// stays as it is, unless WeCom turns out to have taken the message.
func (l *Ledger) Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error) {
	record := keys.Record(l.app, p.ID)
	index := record
	if s.MsgID != "" {
		index = keys.MsgID(l.app, s.MsgID)
	}
	var payload []byte
	if s.State.Final() && s.State != tasks.Accepted {
		payload = tasks.Encode(p)
	}
	args := append([]any{
		string(s.State), flag(s.OutcomeUnknown), l.keep.Milliseconds(), 0, p.ID, statesList(tasks.From(s.State)), payload, resultsKept,
	}, settleFields(p, s)...)
	reply, err := settleScript.Run(ctx, l.rdb, []string{
		record, index, keys.Records(l.app), keys.Results(l.app), keys.Dead(l.app), keys.Payload(l.app, p.ID),
	}, args...).StringSlice()
	if err != nil {
		return tasks.Record{}, fmt.Errorf("settle attempt of %s: %w", p.ID, err)
	}
	return readRecord(l.app, p.ID, pairs(reply)), nil
}

// statesList is ",queued,held," for a script to look into.
func statesList(states []tasks.State) string {
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

// IDOfKey finds the id of the message that was enqueued under an idempotency key.
// Before anything is known of it, that is the id which derives from the key.
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

func readAttempt(reply []any) (tasks.Attempt, error) {
	if len(reply) == 0 {
		return tasks.Attempt{}, errors.New("begin.lua replied nothing")
	}
	verdict, _ := reply[0].(string)
	a := tasks.Attempt{Verdict: tasks.Verdict(verdict)}
	var n int64
	if len(reply) > 1 {
		n, _ = reply[1].(int64)
	}
	switch a.Verdict {
	case tasks.Go:
		a.Number = int(n)
	case tasks.Busy:
		a.Wait = time.Duration(n) * time.Millisecond
	case tasks.Final, tasks.Park, tasks.TooLate:
	default:
		return tasks.Attempt{}, fmt.Errorf("begin.lua replied %v", reply)
	}
	return a, nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
