package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redisconn"
)

const (
	// readyLife is how long a result is cached, because the probe is public.
	readyLife = time.Second
	// readyTime is the time limit of a check.
	readyTime = 2 * time.Second
	// readyKeyLife is the TTL of the key that a check writes.
	readyKeyLife = time.Minute
)

// readiness checks whether Redis stores data. PING is not enough: a Redis that is full or
// lacks its replicas answers it.
type readiness struct {
	rdb redis.UniversalClient
	url string

	mu    sync.Mutex
	asked time.Time
	err   error
}

// ask returns why Redis cannot store anything, nil if it can.
func (r *readiness) ask(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.asked) < readyLife {
		return r.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime) // others wait for the result, too
	defer cancel()
	r.err = redisconn.Explain(r.url, r.rdb.Set(ctx, keys.Ready(), "1", readyKeyLife).Err())
	r.asked = time.Now()
	return r.err
}
