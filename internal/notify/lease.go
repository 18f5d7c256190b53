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

// leaseTTL is how long a lease lasts without renewal: another process takes over that long after a process dies.
const leaseTTL = 15 * time.Second

//go:embed lease.lua
var leaseSource string

var leaseScript = redis.NewScript(leaseSource)

// lease is held by the one process that notifies a receiver.
type lease struct {
	rdb       redis.UniversalClient
	app, name string // of the receiver
	owner     string // this process
}

// take takes or renews the lease. It returns the position up to which the receiver was notified; for a new
// receiver that is now.
func (l lease) take(ctx context.Context, now time.Time) (place time.Time, mine bool, err error) {
	text, err := leaseScript.Run(ctx, l.rdb, []string{keys.NotifyLease(l.app, l.name), keys.NotifyPlace(l.app, l.name)},
		l.owner, leaseTTL.Milliseconds(), now.UnixMilli(), keys.LongTTL.Milliseconds()).Text()
	if err != nil || text == "" {
		return time.Time{}, false, err
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("place of the notifications: %w", err)
	}
	return time.UnixMilli(ms), true, nil
}

// told stores the position up to which the receiver was notified.
func (l lease) told(ctx context.Context, place time.Time) error {
	return l.rdb.Set(ctx, keys.NotifyPlace(l.app, l.name), place.UnixMilli(), keys.LongTTL).Err()
}

// end releases the lease, so that another process can take it at once.
func (l lease) end(ctx context.Context) {
	// If another process has taken it meanwhile, that one takes it again.
	l.rdb.Del(ctx, keys.NotifyLease(l.app, l.name))
}
