package broadcast

import (
	"slices"

	"github.com/wecomq/wecomq/internal/ledger"
)

// State is the state of a broadcast.
type State string

// The states. Calls are only made while [Running].
const (
	Creating         State = "creating" // its recipients are being stored
	AwaitingApproval State = "awaiting_approval"
	Scheduled        State = "scheduled" // its time has not come
	Running          State = "running"
	Paused           State = "paused"
	Cancelled        State = "cancelled"
	Finished         State = "finished" // every recipient has an outcome
)

// States lists all of them.
func States() []State {
	return []State{Creating, AwaitingApproval, Scheduled, Running, Paused, Cancelled, Finished}
}

// Over reports whether no more calls will be made.
func (s State) Over() bool { return slices.Contains(ledger.BroadcastOver(), string(s)) }
