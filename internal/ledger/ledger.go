// Package ledger keeps one record per message in Redis. The attempt is written before the call and its outcome
// after it, so that a worker that dies in between leaves a trace, and a redelivered task finds earlier attempts.
package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/groupcommit"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// ErrNotFound is returned for a message without a record: it was never attempted, its record has expired, or it
// does not exist.
var ErrNotFound = errors.New("no record")

// BeginSource is the Lua with which internal/pacing reads a message's record and records its attempt, in the
// same round trip as the check of the limits.
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
	rdb         redis.UniversalClient
	app         string
	recordTTL   time.Duration
	settlements *groupcommit.Group[settlement, tasks.Record]
}

// New returns the ledger of app. The record of an ended message is kept for recordTTL after its task is gone.
func New(rdb redis.UniversalClient, app string, recordTTL time.Duration) *Ledger {
	l := &Ledger{rdb: rdb, app: app, recordTTL: recordTTL}
	l.settlements = groupcommit.New(settledTogether, groupcommit.One, l.settle)
	return l
}

// StatesList joins states as ",queued,held,", for a script to search.
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

// ID finds the id of the message with this msgid of WeCom.
func (l *Ledger) ID(ctx context.Context, msgid string) (string, error) {
	ids, err := l.rdb.MGet(ctx, keys.MsgID(l.app, msgid), keys.UnhashedMsgID(l.app, msgid)).Result()
	if err != nil {
		return "", fmt.Errorf("look up msgid: %w", err)
	}
	for _, id := range ids {
		if id, found := id.(string); found {
			return id, nil
		}
	}
	return "", fmt.Errorf("msgid %s: %w", msgid, ErrNotFound)
}

// IDOfKey finds the id of the message that an owner, "" for the app, enqueued under an idempotency key. Without
// a claim, it is the id that derives from the key.
func (l *Ledger) IDOfKey(ctx context.Context, owner, key string) (string, error) {
	derived := tasks.IDFromKey(l.app, tasks.OwnedKey(owner, key))
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
