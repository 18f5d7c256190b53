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
	// replayLock is the lock's TTL, in case its process dies; a million recipients take seconds.
	replayLock = 5 * time.Minute
	// unlockTime is the timeout of the unlock.
	unlockTime = 5 * time.Second
)

// ErrReplaying reports that another replay of the broadcast is being created: its recipients are not known
// yet.
var ErrReplaying = errors.New("another replay of it is being created; wait until that is finished")

var unlockScript = redis.NewScript(`return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0`)

// lockReplays excludes other replays of a broadcast until unlock is called.
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
		_ = unlockScript.Run(ctx, s.rdb, []string{key}, owner).Err() // otherwise it expires
	}, nil
}
