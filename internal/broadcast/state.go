package broadcast

// State is what a broadcast is doing.
type State string

// The states. Only a broadcast that is [Running] has calls made.
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

// Over reports whether no call will be made any more.
func (s State) Over() bool { return s == Cancelled || s == Finished }
