package apps

import (
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

// Queue is how one priority of an app stands.
type Queue struct {
	Priority  tasks.Priority
	Waiting   int // for a worker
	Scheduled int // for their time
	Held      int // for their next attempt, or their turn under the limits
	Sending   int // in a worker's hands
	// Oldest is for how long the message has waited that has waited longest, since it was enqueued
	// or since its time; 0 when none does.
	Oldest time.Duration
	// Waits are, by the limit that they wait for, messages that are held, or scheduled for their
	// recipients' turn; the rest is under "".
	Waits map[string]asynqx.Wait
	// PausedByHand says that somebody has paused the queue, as the dashboard can.
	PausedByHand bool
}

// The limits that messages wait for.
const (
	limitMember = "member" // what WeCom delivers to one member
	limitQuota  = "quota"  // of the day
)

func queueOf(p tasks.Priority, q asynqx.Queue) Queue {
	return Queue{
		Priority: p, Waiting: q.Pending, Scheduled: q.Scheduled, Held: q.Retry, Sending: q.Active, Oldest: q.Oldest(),
		Waits: q.Waits, PausedByHand: q.PauseLeft == asynqx.PausedByHand,
	}
}

// backlog counts all that have not been sent and are in nobody's hands.
func (q Queue) backlog() int { return q.Waiting + q.Scheduled + q.Held }
