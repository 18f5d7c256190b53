package tasks

import "slices"

// State is the state of a message. Every message ends in a final state.
type State string

// The states; docs/architecture.md has the diagram.
const (
	Scheduled State = "scheduled" // waits for its time
	Queued    State = "queued"    // waits for a worker, or for its next attempt
	Held      State = "held"      // waits for its app: rate limit, suspension, pause
	Sending   State = "sending"   // an attempt is under way

	Accepted  State = "accepted"  // WeCom took it for all recipients
	Partial   State = "partial"   // WeCom took it, but not for all recipients
	Rejected  State = "rejected"  // dead letter: a permanent failure, or all attempts used up
	Unknown   State = "unknown"   // dead letter: whether WeCom took it cannot be known
	Expired   State = "expired"   // its deadline passed before it could be sent
	Cancelled State = "cancelled" // taken back before it was sent
)

// These lists alone define what a state allows; internal/ledger generates the tables of its Lua scripts from
// them.
var (
	open        = []State{Scheduled, Queued, Held, Sending}
	final       = []State{Accepted, Partial, Rejected, Unknown, Expired, Cancelled}
	deadLetters = []State{Rejected, Unknown}
	replayable  = []State{Partial, Rejected, Unknown}
	failed      = []State{Partial, Rejected, Unknown, Expired}
)

// States lists all states, in the order of a message's life.
func States() []State { return slices.Concat(open, final) }

// Final reports whether the state is final.
func (s State) Final() bool { return slices.Contains(final, s) }

// Dead reports whether the message is a dead letter, rejected or unknown, that needs attention. asynq
// archives its task; running that task in the dashboard queues the message again under its own id.
func (s State) Dead() bool { return slices.Contains(deadLetters, s) }

// DeadStates lists the states of dead letters.
func DeadStates() []State { return slices.Clone(deadLetters) }

// Replayable reports whether the message can be sent again as a new one, to the recipients who did not get
// it.
func (s State) Replayable() bool { return slices.Contains(replayable, s) }

// Failed reports whether the message ended without reaching all its recipients, though nobody
// cancelled it.
func (s State) Failed() bool { return slices.Contains(failed, s) }

// Sent reports whether WeCom took the message for at least one recipient.
func (s State) Sent() bool { return s == Accepted || s == Partial }
