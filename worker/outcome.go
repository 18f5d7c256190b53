package worker

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	quickRetries = 3                // -1 gets three quick retries (90313) …
	quickStep    = time.Second      // … after about 1, 2 and 4 s,
	slowStep     = 30 * time.Second // then 30 s, 1, 2, 4, 8 and
	maxBackoff   = 10 * time.Minute // at most 10 minutes apart
	configPause  = 5 * time.Minute  // a new setting takes effect after about a minute (60020)
)

// outcome is what an answer of WeCom means for the message.
type outcome struct {
	state tasks.State
	// wait, if set, is how long until the message is tried again; nil ends it.
	wait      func(err error, retried int) time.Duration
	uncounted bool // the next try does not use up an attempt
}

// outcomes maps the class of an answer to the message's outcome. What the answer means for the app is in
// finding.go.
var outcomes = map[wecom.Class]outcome{
	wecom.ClassOK:             {state: tasks.Accepted},
	wecom.ClassTransient:      {state: tasks.Queued, wait: grow},
	wecom.ClassUnreachable:    {state: tasks.Held, wait: moment, uncounted: true},
	wecom.ClassUnknownOutcome: {state: tasks.Queued, wait: grow},
	wecom.ClassToken:          {state: tasks.Queued, wait: moment},
	wecom.ClassConcurrency:    {state: tasks.Queued, wait: moment, uncounted: true},
	wecom.ClassRate:           {state: tasks.Held, wait: minute, uncounted: true},
	wecom.ClassConfig:         {state: tasks.Held, wait: suspension, uncounted: true},
	wecom.ClassMedia:          {state: tasks.Rejected},
	wecom.ClassRecipient:      {state: tasks.Rejected},
	wecom.ClassContent:        {state: tasks.Rejected},
	wecom.ClassOther:          {state: tasks.Rejected},
}

// grow doubles the wait each time, from one second to ten minutes, with full jitter: the wait is drawn evenly
// between zero and the step, so that messages that failed together are not retried together.
func grow(_ error, retried int) time.Duration { return jitter(backoffStep(retried)) }

func backoffStep(retried int) time.Duration {
	step, doublings := quickStep, retried
	if retried >= quickRetries {
		step, doublings = slowStep, retried-quickRetries
	}
	for range doublings {
		if step *= 2; step >= maxBackoff {
			return maxBackoff
		}
	}
	return step
}

// moment is 1 to 3 s: some of the calls in flight have ended by then.
func moment(error, int) time.Duration { return time.Second + jitter(2*time.Second) }

// minute is WeCom's shortest block (90312). If the whole app is blocked for longer, its
// queues are paused.
func minute(error, int) time.Duration { return time.Minute }

// suspension lasts until gettoken may be called again, or for five minutes.
func suspension(err error, _ int) time.Duration {
	if held, ok := errors.AsType[*wecom.TokenHeldError](err); ok {
		return max(time.Until(held.Until), time.Second)
	}
	if isGetToken(err) {
		return wecom.TokenBackoff(err, 1)
	}
	return configPause
}

func jitter(limit time.Duration) time.Duration { return rand.N(limit) } //nolint:gosec // no secret
