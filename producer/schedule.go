package producer

import (
	"fmt"
	"time"
)

// schedule is when a message is due and when it expires, as of the call.
type schedule struct {
	due     time.Time // now, or later
	waits   bool      // due is later than now
	expires time.Time // zero: never
}

// scheduleOf returns an error for a message that would expire before it is due.
func scheduleOf(o Options, now time.Time) (schedule, error) {
	at, deadline := processAt(o, now), o.ExpiresAt
	if o.ExpiresIn > 0 {
		deadline = now.Add(o.ExpiresIn)
	}
	if !at.IsZero() && !deadline.IsZero() && !deadline.After(at) {
		return schedule{}, fmt.Errorf("expires_at: the deadline, %s, is not after the time to send, %s",
			deadline.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	if at.After(now) {
		return schedule{due: at, waits: true, expires: deadline}, nil
	}
	return schedule{due: now, expires: deadline}, nil
}

// processAt is the time to send, rounded up to whole seconds, zero for at once: asynq
// truncates, and would send early.
func processAt(o Options, now time.Time) time.Time {
	at := o.At
	if o.Delay > 0 {
		at = now.Add(o.Delay)
	}
	if at.Nanosecond() > 0 {
		at = at.Truncate(time.Second).Add(time.Second)
	}
	return at
}
