package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/redisconn"
)

const (
	// readyLife is how long a result is cached, because the probe is public.
	readyLife = time.Second
	// readyTime is the time limit of a check.
	readyTime = 2 * time.Second
)

// readiness checks whether Redis stores data: in a cluster, each master that has a slot of
// ours. PING is not enough: a Redis that is full or lacks its replicas answers it.
type readiness struct {
	rdb redis.UniversalClient
	url string

	mu    sync.Mutex
	apps  []string
	asked time.Time
	err   error
}

// watch replaces the apps whose slots are checked.
func (r *readiness) watch(apps []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apps = apps
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
	r.err = r.test(ctx)
	r.asked = time.Now()
	return r.err
}

// test returns the first error of a master.
func (r *readiness) test(ctx context.Context) error {
	masters, err := mastersOf(ctx, r.rdb, r.apps)
	if err != nil {
		return redisconn.Explain(r.url, err)
	}
	group := errgroup.Group{}
	for _, m := range masters {
		group.Go(func() error { return m.test(ctx, r.rdb, r.url) })
	}
	return group.Wait()
}
