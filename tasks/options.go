package tasks

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// MaxKeyBytes bounds an idempotency key, as HTTP APIs usually do.
const MaxKeyBytes = 255

// MaxPast is how long ago a time to send may be. What is older can only be a mistake; what
// is younger is sent at once, as in a batch that is sent again.
const MaxPast = 24 * time.Hour

// Options are the choices for one message; the zero value sends it now, with
// default priority and no deadline.
type Options struct {
	Priority Priority // "" for [Default]
	// At or Delay postpone the message, to the second; set one at most. A moment
	// that has passed, by [MaxPast] at most, means now.
	At    time.Time
	Delay time.Duration
	// ExpiresAt or ExpiresIn is the deadline: a message that was not sent by then
	// ends in state expired. Set one at most; ExpiresIn counts from the enqueueing.
	ExpiresAt time.Time
	ExpiresIn time.Duration
	// IdempotencyKey makes a repeat of this call find the first message, for as long as
	// records are kept: its id derives from the key. A message under the key of one that
	// says something else, or goes to others, is a [*KeyReuseError]; its priority and times
	// do not matter. At most [MaxKeyBytes]; "" for none.
	IdempotencyKey string
	// Actor is who sends it, for its record: the name of a token, user@host of a command.
	// "" if that is not known.
	Actor string
	// KeyOwner is whose key it is: equal keys of two owners lead to two messages. "" for
	// the app itself, as from the command line.
	KeyOwner string
	// KeyTakesAny makes a repeat find the first message whatever it says itself, as one
	// that is rendered anew each time.
	KeyTakesAny bool
}

// Or is o, with the defaults where it says nothing.
func (o Options) Or(defaults Options) Options {
	o.Priority = cmp.Or(o.Priority, defaults.Priority)
	if o.At.IsZero() && o.Delay == 0 {
		o.At, o.Delay = defaults.At, defaults.Delay
	}
	if o.ExpiresAt.IsZero() && o.ExpiresIn == 0 {
		o.ExpiresAt, o.ExpiresIn = defaults.ExpiresAt, defaults.ExpiresIn
	}
	o.IdempotencyKey = cmp.Or(o.IdempotencyKey, defaults.IdempotencyKey)
	o.Actor = cmp.Or(o.Actor, defaults.Actor)
	o.KeyOwner = cmp.Or(o.KeyOwner, defaults.KeyOwner)
	o.KeyTakesAny = o.KeyTakesAny || defaults.KeyTakesAny
	return o
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
	case !o.At.IsZero() && time.Since(o.At) > MaxPast:
		return fmt.Errorf("process_at: %s is %s ago; leave it out to send at once", o.At.Format(time.RFC3339), longAgo(time.Since(o.At)))
	case !o.At.IsZero() && o.Delay != 0:
		return errors.New("process_at and delay: set one of them")
	case !o.ExpiresAt.IsZero() && o.ExpiresIn != 0:
		return errors.New("expires_at and expires_in: set one of them")
	case len(o.IdempotencyKey) > MaxKeyBytes:
		return fmt.Errorf("idempotency_key: %d bytes, at most %d", len(o.IdempotencyKey), MaxKeyBytes)
	}
	return nil
}

// longAgo is an age of a day at least, in days once there are two.
func longAgo(age time.Duration) string {
	const day = 24 * time.Hour
	if age < 2*day {
		return fmt.Sprintf("%d hours", age/time.Hour)
	}
	return fmt.Sprintf("%d days", age/day)
}
