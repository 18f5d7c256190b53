package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

var (
	//go:embed replay.lua
	replaySource string
	//go:embed release.lua
	releaseSource string
	//go:embed revive.lua
	reviveSource string
	//go:embed mark.lua
	markSource string

	replayScript  = redis.NewScript(Constants + replaySource)
	releaseScript = redis.NewScript(Constants + releaseSource)
	reviveScript  = redis.NewScript(Constants + reviveSource)
	markScript    = redis.NewScript(markSource)
)

// ErrNotReplayable is returned for a message that is neither rejected, unknown nor partial.
var ErrNotReplayable = errors.New("only messages that were rejected, are unknown or partial can be replayed")

// Payload is the payload that a message was sent with. Only messages that can be replayed have one.
func (l *Ledger) Payload(ctx context.Context, id string, t message.Type) (tasks.Payload, error) {
	data, err := l.rdb.Get(ctx, keys.Payload(l.app, id)).Bytes()
	if errors.Is(err, redis.Nil) {
		return tasks.Payload{}, fmt.Errorf("payload of %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return tasks.Payload{}, fmt.Errorf("read payload of %s: %w", id, err)
	}
	return tasks.Decode(tasks.TypeName(t), data)
}

// ClaimReplay records that a message is replayed as another one. Only one caller gets the claim. Release it if
// the new message could not be enqueued.
func (l *Ledger) ClaimReplay(ctx context.Context, id, as string) (claimed bool, err error) {
	reply, err := replayScript.Run(ctx, l.rdb, []string{keys.Record(l.app, id), keys.Dead(l.app)}, id, as).StringSlice()
	switch {
	case err != nil:
		return false, fmt.Errorf("claim the replay of %s: %w", id, err)
	case reply[0] == "claimed":
		return true, nil
	case reply[0] == "replayed":
		return false, nil
	case reply[1] == "":
		return false, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return false, fmt.Errorf("%s is %s: %w", id, reply[1], ErrNotReplayable)
}

// ReleaseReplay makes a message a dead letter again.
func (l *Ledger) ReleaseReplay(ctx context.Context, id, as string) error {
	if err := releaseScript.Run(ctx, l.rdb, []string{keys.Record(l.app, id), keys.Dead(l.app)}, id, as).Err(); err != nil {
		return fmt.Errorf("release the replay of %s: %w", id, err)
	}
	return nil
}

// Revive queues a dead letter again under its own id, unless it has been attempted or replayed since. attempts
// is how many it had when it became a dead letter.
func (l *Ledger) Revive(ctx context.Context, id string, attempts int) (bool, error) {
	revived, err := reviveScript.Run(ctx, l.rdb, []string{keys.Record(l.app, id), keys.Dead(l.app)}, id, attempts).Bool()
	if err != nil {
		return false, fmt.Errorf("queue %s again: %w", id, err)
	}
	return revived, nil
}

// Forget removes messages from the list of dead letters, and deletes the data for a replay. Their records stay,
// so that they are not taken for new messages.
func (l *Ledger) Forget(ctx context.Context, ids ...string) error {
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, id := range ids {
			p.ZRem(ctx, keys.Dead(l.app), id)
			p.Del(ctx, keys.Payload(l.app, id))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget %d dead letters: %w", len(ids), err)
	}
	return nil
}

// MarkRecalled records when a message was recalled.
func (l *Ledger) MarkRecalled(ctx context.Context, id string, at time.Time) error {
	err := markScript.Run(ctx, l.rdb, []string{keys.Record(l.app, id)}, fieldRecalledAt, at.UnixMilli()).Err()
	if err != nil {
		return fmt.Errorf("mark %s as recalled: %w", id, err)
	}
	return nil
}
