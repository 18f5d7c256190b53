package broadcast

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

const (
	// replayLock is how long replays of a broadcast are kept away by one whose process died;
	// a million recipients take seconds.
	replayLock = 5 * time.Minute
	// unlockTime is the time limit of the last command.
	unlockTime = 5 * time.Second
)

// ErrReplaying is a replay of a broadcast while another one is being made: it is not known
// yet who is in that.
var ErrReplaying = errors.New("another replay of it is being made; wait until that has ended")

var unlockScript = redis.NewScript(`return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0`)

// lockReplays keeps other replays of a broadcast away until unlock is called.
func (s *Store) lockReplays(ctx context.Context, id string) (unlock func(), err error) {
	key, owner := keys.BroadcastReplaying(s.app, id), rand.Text()
	err = s.rdb.SetArgs(ctx, key, owner, redis.SetArgs{Mode: "NX", TTL: replayLock}).Err()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, fmt.Errorf("%s: %w", id, ErrReplaying)
	case err != nil:
		return nil, fmt.Errorf("replay %s: %w", id, err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTime)
		defer cancel()
		_ = unlockScript.Run(ctx, s.rdb, []string{key}, owner).Err() // it ends by itself
	}, nil
}
