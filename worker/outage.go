package worker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
)

const (
	// calm is how long nothing must fail before an outage counts as over. While Redis is unavailable,
	// something fails at least every four seconds: a dequeue, a heartbeat, or asynq's search for retries.
	calm = 5 * time.Second
	// calmFull is the same for a full Redis, which refuses only heartbeats, every 5 s, and
	// the results of tasks.
	calmFull = 12 * time.Second
)

// Log messages about an outage.
const (
	saysAway = "Redis is unavailable; messages wait until it has recovered"
	saysFull = "Redis is full: it takes no new messages. Those in the queues are sent and recorded, which makes room; " +
		"if that is not enough, raise maxmemory, or lower retention and records"
)

// outage tracks whether Redis is available. It logs once that Redis is unavailable and
// once that it has recovered; the thousands of lines that the outage would cause
// meanwhile are suppressed. All lanes share it.
type outage struct {
	log zerolog.Logger

	on         atomic.Bool
	suppressed atomic.Int64 // lines

	mu          sync.Mutex
	full        bool      // Redis has only been full since it began
	began, last time.Time // its first failure and its newest
}

// newOutage begins with a Redis that is available.
func newOutage(log zerolog.Logger) *outage {
	return &outage{log: log.With().Str(fields.Component, "redis").Logger()}
}

// note records the result of each call: nil when Redis served it.
func (o *outage) note(err error) {
	if err == nil && !o.on.Load() {
		return // the usual case
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now, full := time.Now(), asynqx.IsFull(err)
	switch {
	case err != nil && !o.on.Load():
		o.began = now
		o.suppressed.Store(0)
		o.on.Store(true)
		o.say(err, full)
	case err != nil && o.full && !full:
		o.say(err, full)
	case err == nil && o.on.Load() && now.Sub(o.last) >= o.calm():
		o.on.Store(false)
		o.log.Warn().Dur(fields.Duration, o.last.Sub(o.began)).Int64("suppressed_lines", o.suppressed.Load()).Msg("Redis has recovered")
	}
	if err != nil {
		o.last = now
	}
}

// say logs what is wrong with Redis.
func (o *outage) say(err error, full bool) {
	o.full = full
	says := saysAway
	if full {
		says = saysFull
	}
	o.log.Error().Err(err).Msg(says)
}

func (o *outage) calm() time.Duration {
	if o.full {
		return calmFull
	}
	return calm
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
