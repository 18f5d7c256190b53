package notify

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

// turnTime is how long a turn lasts that nobody keeps: so long after the death of a process
// another one goes on.
const turnTime = 15 * time.Second

//go:embed turn.lua
var turnSource string

var turnScript = redis.NewScript(turnSource)

// turn is that of this process to tell a receiver.
type turn struct {
	rdb       redis.UniversalClient
	app, name string // of the receiver
	owner     string // this process
}

// take takes or keeps the turn. It returns up to when the receiver was told of what has
// ended; a new one is told from now on.
func (t turn) take(ctx context.Context, now time.Time) (place time.Time, mine bool, err error) {
	text, err := turnScript.Run(ctx, t.rdb, []string{keys.NotifyTurn(t.app, t.name), keys.NotifyPlace(t.app, t.name)},
		t.owner, turnTime.Milliseconds(), now.UnixMilli(), keys.LongTTL.Milliseconds()).Text()
	if err != nil || text == "" {
		return time.Time{}, false, err
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("place of the notifications: %w", err)
	}
	return time.UnixMilli(ms), true, nil
}

// told notes up to when the receiver was told.
func (t turn) told(ctx context.Context, place time.Time) error {
	return t.rdb.Set(ctx, keys.NotifyPlace(t.app, t.name), place.UnixMilli(), keys.LongTTL).Err()
}

// end lets another process have the turn at once.
func (t turn) end(ctx context.Context) {
	// If it has become another's meanwhile, that one takes it again.
	t.rdb.Del(ctx, keys.NotifyTurn(t.app, t.name))
}
