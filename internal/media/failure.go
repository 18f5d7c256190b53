package media

import (
	"errors"
	"time"

	"github.com/wecomq/wecomq/internal/callfailure"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// refusedRest is how long a file that WeCom does not take is not uploaded again.
	refusedRest = 10 * time.Minute
	// rateRest is WeCom's shortest block (90312).
	rateRest = time.Minute
	// troubleRest is how long no process uploads a file after WeCom did not answer.
	troubleRest = 5 * time.Second
)

// failureOf reads the failure from an error, and says for how long others need not try. A
// failure of our own, such as a Redis that is unavailable, is nobody else's: it rests for 0.
func failureOf(err error) (f callfailure.Failure, rest time.Duration) {
	if refused, ok := errors.AsType[*wecom.Error](err); ok && refused.API == wecom.APIMediaUpload {
		return callfailure.Of(err), restOf(refused.Class())
	}
	if broken, ok := errors.AsType[*wecom.CallError](err); ok && broken.API == wecom.APIMediaUpload {
		return callfailure.Of(err), restOf(broken.Class())
	}
	return callfailure.Failure{}, 0
}

func restOf(class wecom.Class) time.Duration {
	switch class {
	case wecom.ClassContent, wecom.ClassOther:
		return refusedRest
	case wecom.ClassRate:
		return rateRest
	default:
		return troubleRest
	}
}
