package worker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
)

// calm is how long nothing must have failed for an outage to be over. While Redis is
// unavailable, something fails at least every four seconds: a dequeue, a heartbeat, or
// asynq's search for retries.
const calm = 5 * time.Second

// outage tracks whether Redis is available. It logs once that Redis is unavailable and
// once that it has recovered; the thousands of lines that the outage would cause
// meanwhile are suppressed. All lanes share it.
type outage struct {
	log zerolog.Logger

	on         atomic.Bool
	suppressed atomic.Int64 // lines

	mu          sync.Mutex
	began, last time.Time // its first failure and its newest
}

// newOutage begins with a Redis that is available.
func newOutage(log zerolog.Logger) *outage {
	return &outage{log: log.With().Str(fields.Component, "redis").Logger()}
}

// note is told how each call ended: with nil when Redis served it.
func (o *outage) note(err error) {
	if err == nil && !o.on.Load() {
		return // the usual case
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	switch {
	case err != nil && !o.on.Load():
		o.began, o.last = now, now
		o.suppressed.Store(0)
		o.on.Store(true)
		o.log.Error().Err(err).Msg("Redis is unavailable; messages wait until it has recovered")
	case err != nil:
		o.last = now
	case o.on.Load() && now.Sub(o.last) >= calm:
		o.on.Store(false)
		o.log.Warn().Dur(fields.Duration, o.last.Sub(o.began)).Int64("suppressed_lines", o.suppressed.Load()).Msg("Redis has recovered")
	}
}

// check returns err, and notes it when it means that Redis is unavailable.
func (o *outage) check(err error) error {
	if err == nil || asynqx.IsOutage(err) {
		o.note(err)
	}
	return err
}

// level is the level of a line that may only be a consequence of an outage: debug while
// there is one.
func (o *outage) level(level zerolog.Level) zerolog.Level {
	if !o.on.Load() {
		return level
	}
	o.suppressed.Add(1)
	return zerolog.DebugLevel
}
