package tasks

import "time"

// Finding is what an answer of WeCom says about the app, as opposed to the message.
type Finding struct {
	Kind       FindingKind
	BlockedFor time.Duration // until the next try; with [Unreachable], 0 for the default steps
	Reason     string        // why the app is blocked, in words
	Took       time.Duration // with [Late]: from the request for admission to WeCom's answer, [MaxLateness] at most
	// Request is the admission request of the message, and Admission its answer. Both are zero for a
	// gettoken.
	Request   AdmissionRequest
	Admission Admission
}

// FindingKind is the kind of a [Finding].
type FindingKind string

// The findings.
const (
	// RateLimited is errcode 45009: WeCom has blocked the app. It stays blocked for a minute; if the first call
	// after that is refused again, for another minute, then an hour, then until midnight in China (90312).
	// The first refusal also lowers the app's rate by a fifth. The rate recovers within about half an hour,
	// and then grows further.
	RateLimited FindingKind = "penalty"
	// Misconfigured is a wrong setting that stops every message of the app. The app is blocked; after a while
	// one call tests whether the setting has been fixed.
	Misconfigured FindingKind = "suspended"
	// Unreachable is a call that did not reach WeCom. After three in a row, across all workers, the app is
	// blocked for 1, 2, 4, 8, then 10 s at a time, each followed by one call that tests whether WeCom can be
	// reached again.
	Unreachable FindingKind = "unreachable"
	// Unanswered is a call whose answer was lost or late: WeCom may have accepted the message. Every process
	// halves its concurrency. After five in a row the app is blocked for 5, 10, 20, then 30 s at a time: each
	// try may be a duplicate for a recipient.
	Unanswered FindingKind = "unanswered"
	// Answered ends a series of unanswered calls, and the block that it caused.
	Answered FindingKind = "answered"
	// TooManyInFlight is errcode 45033: too many calls in flight. Every process halves its concurrency, and
	// restores it within 5 minutes.
	TooManyInFlight FindingKind = "concurrency"
	// Recovered is an answer to a probe: the block is over.
	Recovered FindingKind = "clear"
	// Inconclusive is a probe without an answer: the next call is a probe again.
	Inconclusive FindingKind = "inconclusive"
	// Late is a call that took longer than the app's others of the last minute. WeCom may have counted it that late,
	// so the calls of a minute are spread over as much more than a minute.
	Late FindingKind = "late"
	// Refund concerns recipients who were counted though WeCom did not accept the message for them: it is
	// credited to the quota and to their windows.
	Refund FindingKind = "refund"
)

// Block is how long the whole app is blocked.
type Block struct {
	Fresh bool          // this finding started, extended or ended it
	Left  time.Duration // until it ends
}
