// Package redisclock provides the time of Redis's clock. All processes of a deployment share that clock, however
// wrong those of their hosts are.
package redisclock

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// readingLife is how long a reading is used: Redis's clock may be set, and a host's drifts by less than a
	// millisecond meanwhile.
	readingLife = 10 * time.Second
	// Tolerance is how far a host's clock may differ from that of Redis.
	Tolerance = time.Second
)

// Clock is this process's view of Redis's clock. It is safe for concurrent use.
type Clock struct {
	rdb  redis.UniversalClient
	turn sync.Mutex // held while reading
	last atomic.Pointer[reading]
}

// reading is one reply to TIME. Between readings the time advances with the monotonic clock of the host, so that
// setting the host's clock changes nothing.
type reading struct {
	at    time.Time // on this host, half-way between request and reply
	redis time.Time
	error time.Duration // maximum: half of the round trip
}

func (r *reading) now() time.Time { return r.redis.Add(time.Since(r.at)) }

// New returns the clock of rdb; it makes no call.
func New(rdb redis.UniversalClient) *Clock { return &Clock{rdb: rdb} }

// Now returns the time. It asks Redis if the last reading is older than 10 s.
func (c *Clock) Now(ctx context.Context) (time.Time, error) {
	if !c.fresh() {
		c.turn.Lock()
		defer c.turn.Unlock()
		if !c.fresh() {
			if err := c.Read(ctx); err != nil {
				return c.Latest(), err
			}
		}
	}
	return c.Latest(), nil
}

func (c *Clock) fresh() bool {
	r := c.last.Load()
	return r != nil && time.Since(r.at) < readingLife
}

// Latest returns the time by the last reading, however old, and makes no call. Before the first reading it is
// the time of this host.
func (c *Clock) Latest() time.Time {
	if r := c.last.Load(); r != nil {
		return r.now()
	}
	return time.Now()
}

// Read reads the time of Redis.
func (c *Clock) Read(ctx context.Context) error {
	asked := time.Now()
	now, err := c.rdb.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("ask Redis for the time: %w", err)
	}
	half := time.Since(asked) / 2
	c.last.Store(&reading{at: asked.Add(half), redis: now, error: half})
	return nil
}

// Wrong returns how far Redis's clock is ahead of this host's, negative if it is behind, and reports whether
// that is certainly more than [Tolerance].
func (c *Clock) Wrong() (time.Duration, bool) {
	r := c.last.Load()
	if r == nil {
		return 0, false
	}
	offset := c.Latest().Sub(time.Now().Round(0))
	return offset, offset.Abs() > Tolerance+r.error
}
