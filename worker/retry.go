package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// retryError tells asynq to bring a task back. It travels from the handler to
// retryDelay and isFailure below.
type retryError struct {
	err  error
	wait time.Duration
	free bool // costs no attempt
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// leaseRetry is how soon a task comes back whose worker died: its lease has been
// over for half a minute by then. When it was Redis that was away, its worker lives
// and gets this time to write down what it knows.
const leaseRetry = 5 * time.Second

// wholeSeconds rounds up: asynq cuts the fraction of a moment off, which would
// bring a task back early.
func wholeSeconds(d time.Duration) time.Duration { return d + time.Second - time.Nanosecond }

// retryDelay is asynq's RetryDelayFunc.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	wait := leaseRetry
	if retry, ok := errors.AsType[*retryError](err); ok {
		wait = retry.wait
	}
	return wholeSeconds(wait)
}

// isFailure is asynq's IsFailure: what is none costs no attempt. A worker that
// died is not the message's failure.
func isFailure(err error) bool {
	if retry, ok := errors.AsType[*retryError](err); ok {
		return !retry.free
	}
	return !errors.Is(err, asynq.ErrLeaseExpired)
}

// deadLetter tells asynq to archive the task, with the reason where the
// dashboard shows it.
func deadLetter(err error) error { return fmt.Errorf("%w: %w", err, asynq.SkipRetry) }
