package tasks

// State is where a message stands. Every message ends in a final state.
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
	Unknown   State = "unknown"   // parked: whether WeCom took it cannot be known
	Expired   State = "expired"   // its deadline passed before it could be sent
	Cancelled State = "cancelled" // taken back before it was sent
)

// Final reports whether the state is the message's last.
func (s State) Final() bool {
	switch s {
	case Accepted, Partial, Rejected, Unknown, Expired, Cancelled:
		return true
	case Scheduled, Queued, Held, Sending:
		return false
	}
	return false
}

// Sent reports whether WeCom took the message for at least one recipient.
func (s State) Sent() bool { return s == Accepted || s == Partial }
