package apps

import (
	"context"
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
	// Oldest is how long the next message has waited, 0 when none does.
	Oldest time.Duration
}

// Queues looks at the queues of an app, the most urgent first.
func (a *Inspector) Queues(ctx context.Context, app string) ([]Queue, error) {
	queues := make([]Queue, 0, len(tasks.Priorities()))
	for _, priority := range tasks.Priorities() {
		name := tasks.Queue(app, priority)
		sizes, err := asynqx.Sizes(ctx, a.rdb, name, "pending", "scheduled", "retry", "active")
		if err != nil {
			return nil, err
		}
		due, err := asynqx.LookWaiting(ctx, a.rdb, name)
		if err != nil {
			return nil, err
		}
		queues = append(queues, Queue{
			Priority: priority, Waiting: sizes[0] + due.Scheduled + due.Retry, Scheduled: max(sizes[1]-due.Scheduled, 0),
			Held: max(sizes[2]-due.Retry, 0), Sending: sizes[3], Oldest: due.Oldest,
		})
	}
	return queues, nil
}
