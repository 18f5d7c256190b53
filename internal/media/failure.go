package media

import (
	"errors"
	"strconv"
	"time"

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

// failure is a failed upload in the form in which processes tell each other.
type failure struct {
	code   wecom.Code
	msg    string
	status int
}

// failureOf reads the failure from an error, and says for how long others need not try. A
// failure of our own, such as a Redis that is unavailable, is nobody else's: it rests for 0.
func failureOf(err error) (f failure, rest time.Duration) {
	if refused, ok := errors.AsType[*wecom.Error](err); ok && refused.API == wecom.APIMediaUpload {
		return failure{code: refused.Code, msg: refused.Msg}, restOf(refused.Class())
	}
	if broken, ok := errors.AsType[*wecom.CallError](err); ok && broken.API == wecom.APIMediaUpload {
		return failure{msg: broken.Err.Error(), status: broken.Status}, restOf(broken.Class())
	}
	return failure{}, 0
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

func readFailure(values []string) failure {
	code, _ := strconv.ParseInt(values[0], 10, 64) // written by fail
	status, _ := strconv.Atoi(values[2])
	return failure{code: wecom.Code(code), msg: values[1], status: status}
}

func (f failure) err() error {
	if f.code != 0 {
		return &wecom.Error{API: wecom.APIMediaUpload, Code: f.code, Msg: f.msg}
	}
	return &wecom.CallError{API: wecom.APIMediaUpload, Status: f.status, Sent: f.status != 0, Err: errors.New(f.msg)}
}
