package media

import (
	"errors"
	"time"

	"github.com/wecomq/wecomq/internal/callfailure"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// refusedRetry is how long a file that WeCom refuses is not uploaded again.
	refusedRetry = 10 * time.Minute
	// rateRetry is WeCom's shortest block (90312).
	rateRetry = time.Minute
	// troubleRetry is how long no process uploads a file after WeCom did not answer.
	troubleRetry = 5 * time.Second
)

// failureOf reads the failure from an error, and returns how long other processes need not try. A failure on our
// side, such as an unavailable Redis, does not affect others: they may try at once.
func failureOf(err error) (f callfailure.Failure, retryIn time.Duration) {
	if refused, ok := errors.AsType[*wecom.Error](err); ok && refused.API == wecom.APIMediaUpload {
		return callfailure.Of(err), retryAfter(refused.Class())
	}
	if broken, ok := errors.AsType[*wecom.CallError](err); ok && broken.API == wecom.APIMediaUpload {
		return callfailure.Of(err), retryAfter(broken.Class())
	}
	return callfailure.Failure{}, 0
}

func retryAfter(class wecom.Class) time.Duration {
	switch class {
	case wecom.ClassContent, wecom.ClassOther:
		return refusedRetry
	case wecom.ClassRate:
		return rateRetry
	default:
		return troubleRetry
	}
}
