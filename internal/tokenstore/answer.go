package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/internal/callfailure"
	"github.com/wecomq/wecomq/wecom"
)

// answer is the reply of acquire.lua.
type answer struct {
	verdict  string
	token    wecom.AccessToken     // verdict "token", as stored
	failures int                   // verdict "fetch"
	held     *wecom.TokenHeldError // verdict "held"
}

// acquire asks what to do. unreadable is a stored token that cannot be used.
func (s *Store) acquire(ctx context.Context, owner string, unreadable wecom.Secret) (answer, error) {
	reply, err := acquireScript.Run(ctx, s.rdb, []string{s.token, s.lock, s.failure},
		owner, lockLifetime.Milliseconds(), 0, string(unreadable)).StringSlice()
	if err != nil {
		return answer{}, err
	}
	return readAnswer(reply, time.Now())
}

// readAnswer converts the remaining times, which Redis measures with its own clock, into times of this host's clock.
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
		a.held = &wecom.TokenHeldError{Until: in(reply[1]), Err: callfailure.Read(reply[2:]).Err(wecom.APIGetToken)}
	case a.verdict == "fetch" && len(reply) == 2:
		a.failures, _ = strconv.Atoi(reply[1])
	case a.verdict == "wait":
	default:
		return answer{}, fmt.Errorf("acquire.lua replied %q with %d values", a.verdict, len(reply))
	}
	return a, nil
}
