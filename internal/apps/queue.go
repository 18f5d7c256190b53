package apps

import (
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

// Queue is the state of one priority of an app.
type Queue struct {
	Priority  tasks.Priority
	Waiting   int // for a worker
	Scheduled int // for their time
	Held      int // for their next attempt, or their turn under the limits
	Sending   int // in a worker's hands
	// Oldest is how long the oldest message has waited, since it was enqueued or due; 0 if none waits.
	Oldest time.Duration
	// Waits groups the messages that are held, or scheduled for their recipients' turn, by limit; others are
	// under "".
	Waits map[string]asynqx.Wait
	// PausedByHand is set if the queue was paused manually, as in the dashboard.
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

// backlog counts unsent messages that no worker has.
func (q Queue) backlog() int { return q.Waiting + q.Scheduled + q.Held }
