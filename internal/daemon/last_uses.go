package daemon

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

//go:embed last_use.lua
var lastUseSource string

const (
	// lastUsePeriod is the minimum interval between a gateway's writes of a token's last use.
	lastUsePeriod = time.Minute
	// lastUseTime bounds a write.
	lastUseTime = 2 * time.Second
)

// lastUses records in Redis when each token of the gateway was used last. No request waits for it.
type lastUses struct {
	rdb  redis.UniversalClient
	wake chan struct{}

	lock  sync.Mutex
	noted map[string]time.Time // by token, of the last period
	fresh map[string]time.Time // those that are not in Redis yet
}

func newLastUses(rdb redis.UniversalClient) *lastUses {
	return &lastUses{rdb: rdb, wake: make(chan struct{}, 1), noted: map[string]time.Time{}, fresh: map[string]time.Time{}}
}

// note records a use of a token now.
func (l *lastUses) note(token string) {
	now := time.Now()
	l.lock.Lock()
	defer l.lock.Unlock()
	if now.Sub(l.noted[token]) < lastUsePeriod {
		return
	}
	// Tokens that a reload has removed go with the others.
	maps.DeleteFunc(l.noted, func(_ string, at time.Time) bool { return now.Sub(at) >= lastUsePeriod })
	l.noted[token], l.fresh[token] = now, now
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}

// run writes the recorded uses until ctx ends. After a failure they are written with the next use of any
// token; outages of Redis are logged elsewhere.
func (l *lastUses) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		if uses := l.take(); l.write(ctx, uses) != nil {
			l.putBack(uses)
		}
	}
}

func (l *lastUses) take() map[string]time.Time {
	l.lock.Lock()
	defer l.lock.Unlock()
	uses := l.fresh
	l.fresh = map[string]time.Time{}
	return uses
}

// putBack restores uses that no newer one has replaced.
func (l *lastUses) putBack(uses map[string]time.Time) {
	l.lock.Lock()
	defer l.lock.Unlock()
	maps.Copy(uses, l.fresh)
	l.fresh = uses
}

func (l *lastUses) write(ctx context.Context, uses map[string]time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, lastUseTime)
	defer cancel()
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for token, at := range uses {
			p.Eval(ctx, lastUseSource, []string{keys.LastUse(token)}, time.Since(at).Milliseconds(), keys.LongTTL.Milliseconds())
		}
		return nil
	})
	return err
}

// readLastUses returns when tokens were used last, by name, in one round trip. Unknown ones are left out.
func readLastUses(ctx context.Context, rdb redis.UniversalClient, tokens []string) (map[string]time.Time, error) {
	replies := make([]*redis.StringCmd, len(tokens))
	_, _ = rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each reply has its own error
		for i, token := range tokens {
			replies[i] = p.Get(ctx, keys.LastUse(token))
		}
		return nil
	})
	all := make(map[string]time.Time, len(tokens))
	for i, token := range tokens {
		ms, err := replies[i].Int64()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up the last use of token %q: %w", token, err)
		}
		all[token] = time.UnixMilli(ms).UTC()
	}
	return all, nil
}
