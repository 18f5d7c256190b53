package producer

import (
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// maxKeyBytes bounds an idempotency key, as HTTP APIs usually do.
const maxKeyBytes = 255

// Options are the choices for one message; the zero value sends it now, with
// default priority and no deadline.
type Options struct {
	Priority tasks.Priority // "" for [tasks.Default]
	// At or Delay postpone the message, to the second; set one at most. A moment
	// that has passed means now.
	At    time.Time
	Delay time.Duration
	// ExpiresAt or ExpiresIn is the deadline: a message that was not sent by then
	// ends in state expired. Set one at most; ExpiresIn counts from now.
	ExpiresAt time.Time
	ExpiresIn time.Duration
	// IdempotencyKey makes a repeat of this call find the first message, whatever the
	// repeat says itself, for as long as records are kept: its id derives from the key.
	// At most 255 bytes; "" for none.
	IdempotencyKey string
}

// Validate names the first option that is wrong.
func (o Options) Validate() error {
	if o.Priority != "" {
		if err := o.Priority.Validate(); err != nil {
			return err
		}
	}
	switch {
	case o.Delay < 0:
		return fmt.Errorf("delay: %s is negative", o.Delay)
	case o.ExpiresIn < 0:
		return fmt.Errorf("expires_in: %s is negative", o.ExpiresIn)
	case !o.At.IsZero() && o.Delay != 0:
		return errors.New("process_at and delay: set one of them")
	case !o.ExpiresAt.IsZero() && o.ExpiresIn != 0:
		return errors.New("expires_at and expires_in: set one of them")
	case len(o.IdempotencyKey) > maxKeyBytes:
		return fmt.Errorf("idempotency_key: %d bytes, at most %d", len(o.IdempotencyKey), maxKeyBytes)
	}
	return nil
}

func (o Options) priority() tasks.Priority {
	if o.Priority == "" {
		return tasks.Default
	}
	return o.Priority
}

// validateAt refuses a message that can only expire.
func (o Options) validateAt(now time.Time) error {
	at, deadline := o.processAt(now), o.expiresAt(now)
	if !at.IsZero() && !deadline.IsZero() && !deadline.After(at) {
		return fmt.Errorf("expires_at: the deadline, %s, is not after the time to send, %s",
			deadline.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	return nil
}

// processAt is the moment to send, in whole seconds: asynq would cut the rest
// and send early.
func (o Options) processAt(now time.Time) time.Time {
	at := o.At
	if o.Delay > 0 {
		at = now.Add(o.Delay)
	}
	if at.Nanosecond() > 0 {
		at = at.Truncate(time.Second).Add(time.Second)
	}
	return at
}

// dueAt is that moment, and now for a message that need not wait.
func (o Options) dueAt(now time.Time) time.Time {
	if at := o.processAt(now); at.After(now) {
		return at
	}
	return now
}

func (o Options) expiresAt(now time.Time) time.Time {
	if o.ExpiresIn > 0 {
		return now.Add(o.ExpiresIn)
	}
	return o.ExpiresAt
}
