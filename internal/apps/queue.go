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
		queue := Queue{Priority: priority, Waiting: sizes[0], Scheduled: sizes[1], Held: sizes[2], Sending: sizes[3]}
		since, err := asynqx.PendingSince(ctx, a.rdb, name)
		if err != nil {
			return nil, err
		}
		if !since.IsZero() {
			queue.Oldest = max(time.Since(since), 0)
		}
		queues = append(queues, queue)
	}
	return queues, nil
}
