package tasks

import "time"

// MaxLateness bounds how long after its admission WeCom is expected to count a call. With Linux's timeouts, a packet
// that is lost three times is 1.4 s late (RFC 6298), and a round trip for each.
const MaxLateness = 2 * time.Second

// Verdict is the answer to a worker that wants to call WeCom for a message.
type Verdict string

// The verdicts of the record, from what happened to the message before.
const (
	Go    Verdict = "go"    // call now: the attempt is recorded
	Final Verdict = "final" // the message is finished: do not call
	Busy  Verdict = "busy"  // another attempt may be under way: come back later
	Park  Verdict = "park"  // WeCom may have taken it, and it must not be sent again
	// Withdrawn: its broadcast is not running, and enqueues the message again once it does.
	Withdrawn Verdict = "withdrawn"
	TooLate   Verdict = "expired" // its deadline has passed, and WeCom does not have it
)

// The verdicts of the limits: when the message may be sent.
const (
	Wait Verdict = "wait" // the app's rate is used up: ask again after Wait; nothing is reserved
	Hold Verdict = "hold" // the app is paused, in penalty or suspended for Wait
	Turn Verdict = "turn" // its recipients' turn comes after Wait, and is reserved
)

const (
	// Forever is an unlimited window of a [ResendPolicy].
	Forever time.Duration = -1
	// Unlimited is an unlimited number of resends.
	Unlimited = -1
)

// ResendPolicy says whether a message that WeCom may have accepted is sent again.
type ResendPolicy struct {
	// InFlight is how long an attempt can last; after that its worker is presumed dead
	// and its outcome unknown.
	InFlight time.Duration
	// Window is how long the message may be sent again, counted from the first attempt of unknown outcome:
	// [Forever], 0 for never, or WeCom's duplicate-check interval, within which identical bytes are delivered
	// once (90236).
	Window time.Duration
	// Resends is how many times the message may be sent again after an attempt of unknown outcome;
	// [Unlimited] if WeCom suppresses duplicates.
	Resends int
	// MayDouble is set if WeCom does not suppress duplicates; the record then says so.
	MayDouble bool
}

// AdmissionRequest asks whether a worker may call WeCom for a message now.
type AdmissionRequest struct {
	Payload Payload
	// Delivery identifies this delivery of the task, so that the request can be repeated if Redis's reply is
	// lost: if the same delivery has already recorded an attempt, the answer is [Go] again. May be empty.
	Delivery string
	Policy   ResendPolicy
	// Users are the users of the message, except those with a follow-up, which the record keeps.
	Users []string
	// Everyone is set for "@all", and Groups counts departments and tags: the message goes to members that it
	// does not name.
	Everyone bool
	Groups   int
	// CheckOnly consults the record alone: nothing is recorded or reserved. [Go] then means that the record
	// does not forbid the call.
	CheckOnly bool
}

// Admission is the answer.
type Admission struct {
	Verdict Verdict
	Number  int           // of the attempt, with [Go]; counts from 1
	Wait    time.Duration // with [Busy], [Wait], [Hold] and [Turn]
	Reason  string        // with [Hold] and [Turn], in words
	// Probe is set if the app was blocked and this call tests whether it still is: nobody else may call
	// before its outcome is reported.
	Probe bool
	// InDoubt counts the message's earlier attempts of unknown outcome.
	InDoubt int
	// Unanswered is set while the app has unanswered calls: the next answer is reported as a [Finding].
	Unanswered bool
	// Slowest is how long the slowest of the app's calls took in the last minute, from its request for admission to
	// WeCom's answer, [MaxLateness] at most; 0 if none is known. A slower one is reported as a [Finding].
	Slowest time.Duration
	// Spacing is how far ahead of now the app's rate is used up. A message of priority p may be sent once it
	// is down to [Priority.HeadStart].
	Spacing time.Duration
	// Concurrency is the share of its calls in flight that each process may use, 0
	// to 1; WeCom's 45033 lowers it.
	Concurrency float64
	// At is the time recorded for its recipients, with [Go]: Unix ms of the limits' clock.
	At int64
	// FollowUps are the recipients who must wait: the message is sent without them.
	FollowUps []FollowUp
}

// FollowUp is a message to those recipients of another one whose turn comes later, or who are too many to
// decide on in one step.
type FollowUp struct {
	Number int           // counts from 1 within the message
	Wait   time.Duration // until their turn
	TurnAt int64         // their turn by the clock of the limits, in Unix ms; 0: none is reserved yet
	Limit  string        // what they wait for: "member" or "quota"
	Users  []string
}
