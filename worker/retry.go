package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
)

const (
	// redisRetry is how soon a message is retried after Redis did not answer.
	redisRetry = 2 * time.Second
	// blockedRetry is how soon a message of a blocked app returns to its paused queue. It is short so that the
	// message is sent as soon as the app is resumed.
	blockedRetry = time.Second
	// versionRetry is how soon a message that needs a newer worker is retried.
	versionRetry = time.Minute
	// leaseRetry is how soon a task returns whose worker died: its lease has been over for half a minute by
	// then. If instead Redis was unavailable, the worker is alive and has this long to record the outcome.
	leaseRetry = 5 * time.Second
)

// retryError tells asynq to retry a task. It travels from the handler to retryDelay and isFailure below.
type retryError struct {
	err       error
	wait      time.Duration
	uncounted bool // does not use up an attempt
}

// later retries the task after wait. It does not use up an attempt: the message could not be tried, or the
// failure is not the message's.
func later(err error, wait time.Duration) error {
	return &retryError{err: err, wait: wait, uncounted: true}
}

// untried retries a task that waited in vain: if the lane is stopping, within a second, for another process.
func untried(err error) error {
	if errors.Is(err, errStopping) {
		return later(err, 0)
	}
	return later(err, redisRetry)
}

// attemptFailed retries the task after wait and uses up an attempt.
func attemptFailed(err error, wait time.Duration) error { return &retryError{err: err, wait: wait} }

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// retryDelay is asynq's RetryDelayFunc.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	wait := leaseRetry
	if retry, ok := errors.AsType[*retryError](err); ok {
		wait = retry.wait
	}
	return asynqx.RetryIn(wait)
}

// isFailure is asynq's IsFailure: only a failure uses up an attempt. The death of a worker is not the
// message's failure.
func isFailure(err error) bool {
	if retry, ok := errors.AsType[*retryError](err); ok {
		return !retry.uncounted
	}
	return !errors.Is(err, asynq.ErrLeaseExpired)
}

// deadLetter tells asynq to archive the task, with a reason that the dashboard shows.
func deadLetter(err error) error { return fmt.Errorf("%w: %w", err, asynq.SkipRetry) }
