package tasks

import "time"

// Verdict is the answer to a worker that wants to call WeCom for a message.
type Verdict string

// The verdicts of the record: what was done about the message before.
const (
	Go    Verdict = "go"    // call now: the attempt is written down
	Final Verdict = "final" // the message has ended: do not call
	Busy  Verdict = "busy"  // another attempt may be under way: come back later
	Park  Verdict = "park"  // WeCom may have taken it, and it must not be sent again
	// Withdrawn: its broadcast does not run, and will enqueue it again when it does.
	Withdrawn Verdict = "withdrawn"
	TooLate   Verdict = "expired" // its deadline has passed, and WeCom does not have it
)

// The verdicts of the limits: when the message may go.
const (
	Wait Verdict = "wait" // the app's rate is spent: ask again after Wait, nothing is reserved
	Hold Verdict = "hold" // the app is paused, in penalty or suspended for Wait
	Turn Verdict = "turn" // its recipients' turn comes after Wait, and is reserved
)

const (
	// Forever is a [ResendPolicy] window without an end.
	Forever time.Duration = -1
	// Unlimited is a number of resends without an end.
	Unlimited = -1
)

// ResendPolicy says what may happen to a message that WeCom may have taken.
type ResendPolicy struct {
	// InFlight is how long an attempt can last; after that its worker is presumed dead
	// and its outcome unknown.
	InFlight time.Duration
	// Window, counted from the first attempt of unknown outcome, is how long the
	// message may be sent again: [Forever], 0 for never, or WeCom's
	// duplicate-check interval, within which the same bytes arrive once (90236).
	Window time.Duration
	// Resends is how often the message may be sent again after an attempt of unknown
	// outcome; [Unlimited] where a duplicate is suppressed.
	Resends int
	// MayDouble is set when nothing suppresses a duplicate: the record then says so.
	MayDouble bool
}

// AdmissionRequest asks whether a worker may call WeCom for a message now.
type AdmissionRequest struct {
	Payload Payload
	// Delivery names this delivery of the task, so that the question can be repeated when
	// Redis's reply is lost: an attempt that the same delivery has written down is
	// answered with [Go] again. May be empty.
	Delivery string
	Policy   ResendPolicy
	// Users are those of the message, except those who already have a follow-up: the
	// record remembers them.
	Users []string
	// Everyone is set for "@all", and Groups counts departments and tags: the
	// message goes to members whom it does not name.
	Everyone bool
	Groups   int
	// CheckOnly asks about the record alone: nothing is written down or reserved.
	// The verdict [Go] then means that the record does not forbid the call.
	CheckOnly bool
}

// Admission is the answer.
type Admission struct {
	Verdict Verdict
	Number  int           // with [Go]: of the attempt, counts from 1
	Wait    time.Duration // with [Busy], [Wait], [Hold] and [Turn]
	Reason  string        // with [Hold] and [Turn], in words
	// Probe is set when the app was blocked and this call finds out whether it
	// still is: nobody else may call before its outcome is reported.
	Probe bool
	// InDoubt counts the message's earlier attempts of unknown outcome.
	InDoubt int
	// Unanswered is set while calls of the app are without an answer: the next answer is
	// worth a [Finding].
	Unanswered bool
	// Spacing is how far ahead of now the app's rate is spent. A message of
	// priority p may go once it is down to [Priority.HeadStart].
	Spacing time.Duration
	// Concurrency is the share of its calls in flight that each process may use, 0
	// to 1; WeCom's 45033 lowers it.
	Concurrency float64
	// At is the moment that was written down for its recipients, with [Go]: Unix ms of
	// the limits' clock.
	At int64
	// FollowUps are the recipients who must wait: the message goes without them.
	FollowUps []FollowUp
}

// FollowUp is a message to those recipients of another one whose turn comes later, or who are
// too many to be decided on with the others.
type FollowUp struct {
	Number int           // counts from 1 within the message
	Wait   time.Duration // until their turn
	TurnAt int64         // their turn by the clock of the limits, in Unix ms; 0: none is promised yet
	Users  []string
}
