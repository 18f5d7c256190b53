package tasks

import "slices"

// None is the state, in a transition, of a message that has no record because it was not attempted yet. No
// message reports it as its [State].
const None = ""

// waiting are the states of a message that waits for an attempt.
var waiting = []State{None, Scheduled, Queued, Held}

// transitions is the table of allowed transitions: a record takes a new state only from one of those listed
// for it.
//
// A late answer that WeCom accepted the message overrides every other final state. A dead letter returns to
// queued when its task is run again. A message that is being sent cannot be cancelled.
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

// From lists the states of a record that an attempt may change to s. It includes None if a record may begin
// with s.
func From(s State) []State { return with(transitions[s]) }

// MayBecome reports whether a message may change from one state to the other, by an attempt or by being run
// again.
func MayBecome(from, to State) bool {
	if to == Queued && from.Dead() {
		return true
	}
	return slices.Contains(transitions[to], from)
}
