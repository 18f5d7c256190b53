package tasks

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// MaxKeyBytes bounds an idempotency key, as HTTP APIs usually do.
const MaxKeyBytes = 255

// MaxPast is how far in the past a time to send may be. Older times must be a mistake; younger ones, as in a
// batch that is sent again, mean now.
const MaxPast = 24 * time.Hour

// Options are the options of one message; the zero value sends it now, with default priority and no deadline.
type Options struct {
	Priority Priority // "" for [Default]
	// At or Delay postpones the message, to the second; set one at most. A time in the past, by [MaxPast] at
	// most, means now.
	At    time.Time
	Delay time.Duration
	// ExpiresAt or ExpiresIn is the deadline: a message not sent by then ends in state expired. Set one at
	// most; ExpiresIn counts from the enqueueing.
	ExpiresAt time.Time
	ExpiresIn time.Duration
	// IdempotencyKey makes a repeat of this call return the first message, for as long as records are kept:
	// its id derives from the key. The same key with other content or recipients is a [*KeyReuseError];
	// priority and times are not compared. At most [MaxKeyBytes]; "" for none.
	IdempotencyKey string
	// Actor is the sender, for the record: the name of a token, or user@host of a command. "" if unknown.
	Actor string
	// KeyOwner is the owner of the key: equal keys of two owners give two messages. "" for the app itself, as
	// from the command line.
	KeyOwner string
	// KeyTakesAny makes a repeat return the first message whatever its own content, for messages that are
	// rendered anew each time.
	KeyTakesAny bool
}

// Or returns o with its unset options taken from defaults.
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

// longAgo formats an age of a day or more: in hours, from two days on in days.
func longAgo(age time.Duration) string {
	const day = 24 * time.Hour
	if age < 2*day {
		return fmt.Sprintf("%d hours", age/time.Hour)
	}
	return fmt.Sprintf("%d days", age/day)
}
