package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// waitBounds are those that an outcome's wait has to be within: the first time, and after six
// attempts that failed.
type waitBounds struct{ firstMin, firstMax, laterMin, laterMax time.Duration }

func (w waitBounds) check(t *testing.T, class wecom.Class, o outcome) {
	t.Helper()
	for range 100 {
		if got := o.wait(errors.New("x"), 0); got < w.firstMin || got > w.firstMax {
			t.Fatalf("class %s: the first wait is %s, want %s to %s", class, got, w.firstMin, w.firstMax)
		}
		if got := o.wait(errors.New("x"), 6); got < w.laterMin || got > w.laterMax {
			t.Fatalf("class %s: the wait after 6 retries is %s, want %s to %s", class, got, w.laterMin, w.laterMax)
		}
	}
}

func TestEveryClassHasAnOutcome(t *testing.T) {
	t.Parallel()
	var (
		grows       = &waitBounds{firstMax: time.Second, laterMax: 4 * time.Minute}
		aMoment     = &waitBounds{firstMin: time.Second, firstMax: 3 * time.Second, laterMin: time.Second, laterMax: 3 * time.Second}
		aMinute     = &waitBounds{firstMin: time.Minute, firstMax: time.Minute, laterMin: time.Minute, laterMax: time.Minute}
		fiveMinutes = &waitBounds{firstMin: 5 * time.Minute, firstMax: 5 * time.Minute, laterMin: 5 * time.Minute, laterMax: 5 * time.Minute}
	)
	want := map[wecom.Class]struct {
		state     tasks.State
		wait      *waitBounds // nil: the message has ended
		uncounted bool
	}{
		wecom.ClassOK:             {state: tasks.Accepted},
		wecom.ClassTransient:      {state: tasks.Queued, wait: grows},
		wecom.ClassUnreachable:    {state: tasks.Held, wait: aMoment, uncounted: true},
		wecom.ClassUnknownOutcome: {state: tasks.Queued, wait: grows},
		wecom.ClassToken:          {state: tasks.Queued, wait: aMoment},
		wecom.ClassConcurrency:    {state: tasks.Queued, wait: aMoment, uncounted: true},
		wecom.ClassRate:           {state: tasks.Held, wait: aMinute, uncounted: true},
		wecom.ClassConfig:         {state: tasks.Held, wait: fiveMinutes, uncounted: true},
		wecom.ClassMedia:          {state: tasks.Rejected},
		wecom.ClassRecipient:      {state: tasks.Rejected},
		wecom.ClassContent:        {state: tasks.Rejected},
		wecom.ClassOther:          {state: tasks.Rejected},
	}
	for class := range outcomes {
		if _, ok := want[class]; !ok {
			t.Errorf("class %s has an outcome that this test does not know", class)
		}
	}
	for class, w := range want {
		o, ok := outcomes[class]
		switch {
		case !ok:
			t.Errorf("class %s has no outcome", class)
		case o.state != w.state || o.uncounted != w.uncounted || (o.wait == nil) != (w.wait == nil):
			t.Errorf("class %s: state %s, waits %t, uncounted %t; want %s, %t, %t",
				class, o.state, o.wait != nil, o.uncounted, w.state, w.wait != nil, w.uncounted)
		case w.wait != nil:
			w.wait.check(t, class, o)
		}
		if w.state.Final() != (w.wait == nil) {
			t.Errorf("class %s: state %s, but waits: %t", class, w.state, w.wait != nil)
		}
	}
	for _, code := range wecom.Codes() {
		if _, ok := want[code.Class()]; !ok {
			t.Errorf("class %s of errcode %d has no outcome", code.Class(), code)
		}
	}
}

func TestBackoffGrowsToTenMinutes(t *testing.T) {
	t.Parallel()
	want := []time.Duration{ // by the number of retries before
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
		"gettoken is held":           {err: fmt.Errorf("wrapped: %w", held), min: 85 * time.Second, max: 90 * time.Second},
		"gettoken has just failed":   {err: &wecom.Error{API: wecom.APIGetToken, Code: 40001}, min: 30 * time.Second, max: 30 * time.Second},
		"gettoken leads elsewhere":   {err: &wecom.CallError{API: wecom.APIGetToken, Status: 404}, min: 30 * time.Second, max: 30 * time.Second},
		"the app lacks a permission": {err: &wecom.Error{API: "message/send", Code: 48002}, min: 5 * time.Minute, max: 5 * time.Minute},
	} {
		if got := suspension(tc.err, 0); got < tc.min || got > tc.max {
			t.Errorf("%s: %s, want %s to %s", name, got, tc.min, tc.max)
		}
	}
}

func TestWhatCostsNoAttempt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err   error
		costs bool
	}{
		"a message that waits":            {err: later(errors.New("x"), 0)},
		"a message that waits, wrapped":   {err: fmt.Errorf("wrapped: %w", later(errors.New("x"), 0))},
		"an attempt that failed":          {err: attemptFailed(errors.New("x"), 0), costs: true},
		"an error that asynq knows alone": {err: errors.New("x"), costs: true},
		"a worker that died":              {err: asynq.ErrLeaseExpired},
	} {
		if got := isFailure(tc.err); got != tc.costs {
			t.Errorf("%s: isFailure(%v) = %t, want %t", name, tc.err, got, tc.costs)
		}
	}
}
