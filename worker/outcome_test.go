package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/wecom"
)

func TestEveryClassHasAnOutcome(t *testing.T) {
	t.Parallel()
	classes := map[wecom.Class]bool{wecom.ClassUnknownOutcome: true, wecom.ClassOther: true}
	for _, code := range wecom.Codes() {
		classes[code.Class()] = true
	}
	for class := range classes {
		o, ok := outcomes[class]
		if !ok {
			t.Errorf("class %s has no outcome", class)
		}
		if o.state.Final() == (o.wait != nil) {
			t.Errorf("class %s: state %s, but waits: %t", class, o.state, o.wait != nil)
		}
	}
}

func TestBackoffGrowsToTenMinutes(t *testing.T) {
	t.Parallel()
	want := []time.Duration{
		time.Second, 2 * time.Second, 4 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute,
		8 * time.Minute, 10 * time.Minute, 10 * time.Minute,
	}
	for retried, step := range want {
		if got := backoffStep(retried); got != step {
			t.Errorf("after %d retries: %s, want %s", retried, got, step)
		}
		for range 100 {
			if wait := grow(nil, retried); wait < 0 || wait >= step {
				t.Fatalf("after %d retries: wait %s is not within %s", retried, wait, step)
			}
		}
	}
	if got := backoffStep(1 << 20); got != maxBackoff {
		t.Errorf("after very many retries: %s, want %s", got, maxBackoff)
	}
}

func TestSuspensionLastsUntilGettokenMayBeCalled(t *testing.T) {
	t.Parallel()
	held := &wecom.TokenHeldError{Until: time.Now().Add(90 * time.Second), Err: errors.New("x")}
	for name, tc := range map[string]struct {
		err      error
		min, max time.Duration
	}{
		"gettoken is held":           {fmt.Errorf("wrapped: %w", held), 85 * time.Second, 90 * time.Second},
		"gettoken has just failed":   {&wecom.Error{API: wecom.APIGetToken, Code: 40001}, 30 * time.Second, 30 * time.Second},
		"gettoken leads elsewhere":   {&wecom.CallError{API: wecom.APIGetToken, Status: 404}, 30 * time.Second, 30 * time.Second},
		"the app lacks a permission": {&wecom.Error{API: "message/send", Code: 48002}, 5 * time.Minute, 5 * time.Minute},
	} {
		if got := suspension(tc.err, 0); got < tc.min || got > tc.max {
			t.Errorf("%s: %s, want %s to %s", name, got, tc.min, tc.max)
		}
	}
}

func TestARetryIsNeverEarly(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, time.Millisecond, time.Second, 1500 * time.Millisecond} {
		now := time.Now()
		kept := now.Add(retryDelay(0, &retryError{errors.New("x"), wait, false}, nil)).Unix() // what asynq keeps
		if early := now.Add(wait).Sub(time.Unix(kept, 0)); early > 0 || early < -time.Second {
			t.Errorf("a wait of %s ends %s early", wait, early)
		}
	}
}

func TestWhatCostsNoAttempt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{&retryError{err: errors.New("x"), free: true}, false},
		{fmt.Errorf("wrapped: %w", &retryError{err: errors.New("x"), free: true}), false},
		{&retryError{err: errors.New("x")}, true},
		{errors.New("x"), true},
		{asynq.ErrLeaseExpired, false},
	} {
		if got := isFailure(tc.err); got != tc.want {
			t.Errorf("isFailure(%v) = %t, want %t", tc.err, got, tc.want)
		}
	}
}
