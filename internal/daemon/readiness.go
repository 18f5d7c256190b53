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
	// readyLife is how long an answer serves all who ask: the probe is public.
	readyLife = time.Second
	// readyTime bounds the question.
	readyTime = 2 * time.Second
	// readyKeyLife lets the key that is written go by itself.
	readyKeyLife = time.Minute
)

// readiness tells whether Redis stores what a process gives it: one that is full,
// or lacks its replicas, answers a PING.
type readiness struct {
	rdb redis.UniversalClient
	url string

	mu    sync.Mutex
	asked time.Time
	err   error
}

// ask says why nothing can be stored, nil if it can.
func (r *readiness) ask(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.asked) < readyLife {
		return r.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime) // the answer is for others, too
	defer cancel()
	r.err = redisconn.Explain(r.url, r.rdb.Set(ctx, keys.Ready(), "1", readyKeyLife).Err())
	r.asked = time.Now()
	return r.err
}
