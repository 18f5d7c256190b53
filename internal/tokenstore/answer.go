package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// answer is what acquire.lua replied.
type answer struct {
	verdict  string
	token    wecom.AccessToken     // verdict "token"
	failures int                   // verdict "fetch"
	held     *wecom.TokenHeldError // verdict "held"
}

func (s *Store) acquire(ctx context.Context, owner string) (answer, error) {
	reply, err := acquireScript.Run(ctx, s.rdb, []string{s.token, s.lock, s.failure},
		owner, lockLifetime.Milliseconds(), 0).StringSlice()
	if err != nil {
		return answer{}, err
	}
	return readAnswer(reply, time.Now())
}

// readAnswer turns the remaining times, which Redis counted by its own clock,
// into times of this host's clock.
func readAnswer(reply []string, now time.Time) (answer, error) {
	if len(reply) == 0 {
		return answer{}, errors.New("acquire.lua replied nothing")
	}
	a := answer{verdict: reply[0]}
	in := func(ms string) time.Time {
		n, _ := strconv.ParseInt(ms, 10, 64) // written by the script itself
		return now.Add(time.Duration(n) * time.Millisecond)
	}
	switch {
	case a.verdict == "token" && len(reply) == 4:
		a.token = wecom.AccessToken{Value: wecom.Secret(reply[1]), RefreshAt: in(reply[2]), ExpiresAt: in(reply[3])}
	case a.verdict == "held" && len(reply) == 5:
		a.held = &wecom.TokenHeldError{Until: in(reply[1]), Err: readFailure(reply[2:]).err()}
	case a.verdict == "fetch" && len(reply) == 2:
		a.failures, _ = strconv.Atoi(reply[1])
	case a.verdict == "wait":
	default:
		return answer{}, fmt.Errorf("acquire.lua replied %q with %d values", a.verdict, len(reply))
	}
	return a, nil
}

// failure is a failed gettoken in the form in which processes tell each other.
type failure struct {
	code   wecom.Code
	msg    string
	status int
}

func failureOf(err error) failure {
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		return failure{code: refused.Code, msg: refused.Msg}
	}
	if broken, ok := errors.AsType[*wecom.CallError](err); ok {
		return failure{msg: broken.Err.Error(), status: broken.Status}
	}
	return failure{msg: err.Error()}
}

func readFailure(values []string) failure {
	code, _ := strconv.ParseInt(values[0], 10, 64)
	status, _ := strconv.Atoi(values[2])
	return failure{code: wecom.Code(code), msg: values[1], status: status}
}

func (f failure) err() error {
	if f.code != 0 {
		return &wecom.Error{API: wecom.APIGetToken, Code: f.code, Msg: f.msg}
	}
	return &wecom.CallError{API: wecom.APIGetToken, Status: f.status, Sent: f.status != 0, Err: errors.New(f.msg)}
}
