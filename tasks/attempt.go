package tasks

import "time"

// Verdict is the ledger's answer to a worker that wants to call WeCom.
type Verdict string

// The verdicts.
const (
	Go      Verdict = "go"      // call: the attempt is written down
	Final   Verdict = "final"   // the message is done with: call nobody
	Busy    Verdict = "busy"    // another attempt may be under way: come back later
	Park    Verdict = "park"    // WeCom may have taken it, and it must not be sent again
	TooLate Verdict = "expired" // its deadline has passed, and WeCom does not have it
)

// Forever is a [ResendPolicy] window without an end.
const Forever time.Duration = -1

// ResendPolicy says what may happen to a message that WeCom may have taken.
type ResendPolicy struct {
	// InFlight is how long an attempt can last; after that whoever made it is
	// taken for dead, and the attempt's outcome for unknown.
	InFlight time.Duration
	// Window, counted from the first attempt of unknown outcome, is how long the
	// message may be sent again: [Forever], 0 for never, or WeCom's
	// duplicate-check interval, within which the same bytes arrive once (90236).
	Window time.Duration
	// MayDouble is set when nothing suppresses the double: the record then says so.
	MayDouble bool
}

// Attempt is the ledger's verdict with its details.
type Attempt struct {
	Verdict Verdict
	Number  int           // with [Go]: counts from 1
	Wait    time.Duration // with [Busy]: when to come back
}

// Settlement is what became of an attempt.
type Settlement struct {
	State State
	// OutcomeUnknown is set when WeCom may have taken the message though it did
	// not say so.
	OutcomeUnknown bool
	ErrCode        int64
	ErrMsg         string
	MsgID          string
	ResponseCode   string
	Recipients     Recipients
}
