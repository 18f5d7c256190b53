package tasks

import "slices"

// None stands in a transition for a message without a record, which was not
// attempted yet. It is no [State] that a message shows.
const None = ""

// waiting are the states of a message that waits for an attempt.
var waiting = []State{None, Scheduled, Queued, Held}

// transitions is the one table of what may become of a message: a record takes a
// new state only from one of those listed beside it.
//
// A late answer of WeCom's that it took the message overrules every other end. A
// dead letter goes back to queued when somebody runs its task again. Whoever is
// sending cannot be cancelled.
var transitions = map[State][]State{
	Scheduled: {},
	Queued:    with(waiting, Sending),
	Held:      with(waiting, Sending),
	Sending:   with(waiting, Sending),
	Accepted:  with(waiting, Sending, Rejected, Unknown, Expired, Cancelled),
	Partial:   with(waiting, Sending, Rejected, Unknown, Expired, Cancelled),
	Rejected:  with(waiting, Sending),
	Unknown:   with(waiting, Sending),
	Expired:   with(waiting, Sending),
	Cancelled: waiting,
}

func with(states []State, more ...State) []State { return slices.Concat(states, more) }

// From lists the states of a record that an attempt may turn into s. None is among
// them when a record may begin with s.
func From(s State) []State { return with(transitions[s]) }

// MayBecome reports whether a message may go from one state to the other, by an
// attempt or by being run again.
func MayBecome(from, to State) bool {
	if to == Queued && from.Dead() {
		return true
	}
	return slices.Contains(transitions[to], from)
}
