package tasks

import "time"

// Finding is what an answer of WeCom says about the app, besides what it says about
// the message.
type Finding struct {
	Kind   FindingKind
	Rest   time.Duration // until somebody tries again; with [Unreachable], 0 for its own steps
	Reason string        // why the app is blocked, in words
	// Request is the message's question, and Admission the answer. Both are zero for a
	// gettoken.
	Request   AdmissionRequest
	Admission Admission
}

// FindingKind is the kind of a [Finding].
type FindingKind string

// The findings.
const (
	// RateLimited is errcode 45009: WeCom has blocked the app. It rests a minute, a
	// minute again when the first call after it meets the same, then an hour, then
	// until midnight in China (90312). Unless it was such a call, the app's rate
	// drops by a fifth, and grows back: to where it was within about half an hour, and
	// then beyond.
	RateLimited FindingKind = "penalty"
	// Misconfigured is a wrong setting that stops every message of the app. The app is
	// blocked; then one call finds out whether the setting has been fixed.
	Misconfigured FindingKind = "suspended"
	// Unreachable is a call that did not get to WeCom. After three in a row, all workers
	// counted, the app is blocked for 1, 2, 4, 8, then 10 s at a time, each followed by one
	// call that finds out whether WeCom can be reached again.
	Unreachable FindingKind = "unreachable"
	// Unanswered is a call whose answer was lost or late: WeCom may have taken the message.
	// Every process halves its concurrency. After five in a row the app is blocked for 5,
	// 10, 20, then 30 s at a time: each try may be a duplicate for somebody.
	Unanswered FindingKind = "unanswered"
	// Answered ends a row of calls without an answer, and the block that followed from it.
	Answered FindingKind = "answered"
	// TooManyInFlight is errcode 45033: too many calls in flight. Every process halves
	// its concurrency, and has it back after 5 minutes at most.
	TooManyInFlight FindingKind = "concurrency"
	// Recovered is an answer to a probe: the block is over.
	Recovered FindingKind = "clear"
	// Inconclusive is a probe without an answer: the next call is a probe again.
	Inconclusive FindingKind = "inconclusive"
	// Refund is about recipients who were counted, though WeCom did not take the message
	// for them: it is credited to the quota and to their windows.
	Refund FindingKind = "refund"
)

// Block says for how long the whole app is blocked.
type Block struct {
	Fresh bool          // it began, grew or ended with this finding
	Left  time.Duration // until it ends
}
