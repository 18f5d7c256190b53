package tasks

import "time"

// Finding is what an answer of WeCom says about the app, beside what it says about
// the message.
type Finding struct {
	Kind   FindingKind
	Rest   time.Duration // with [Misconfigured]: until somebody tries again
	Reason string        // with [RateLimited] and [Misconfigured], in words
	// Request is the message's question, and Admission the answer, with
	// [Refund], [Recovered] and [Inconclusive].
	Request   AdmissionRequest
	Admission Admission
}

// FindingKind tells findings apart.
type FindingKind string

// The findings.
const (
	// RateLimited is errcode 45009: WeCom has blocked the app. It rests a minute, a
	// minute again when the first call after it meets the same, then an hour, then
	// until midnight in China (90312). Unless it was such a call, the app's rate
	// drops by a fifth; it grows back by 1 % in 5 minutes.
	RateLimited FindingKind = "penalty"
	// Misconfigured is a wrong setting that stops every message of the app. It rests;
	// then one call finds out whether the setting was mended.
	Misconfigured FindingKind = "suspended"
	// TooManyInFlight is errcode 45033: too many calls in flight. All processes halve
	// theirs, and are back to all of them after 5 minutes at most.
	TooManyInFlight FindingKind = "concurrency"
	// Recovered is an answer to a probe: the block is over.
	Recovered FindingKind = "clear"
	// Inconclusive is a probe without an answer: the next call is one.
	Inconclusive FindingKind = "inconclusive"
	// Refund are recipients who were counted and whom WeCom did not take the
	// message for: the quota and their windows get it back.
	Refund FindingKind = "refund"
)

// Block is a rest of the whole app.
type Block struct {
	Fresh bool          // it began, grew or ended with this finding
	Left  time.Duration // until it ends
}
