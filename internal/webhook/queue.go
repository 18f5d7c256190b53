package webhook

import (
	"context"

	"github.com/wecomq/wecomq/tasks"
)

// Queue takes messages and knows what became of them.
type Queue interface {
	// Enqueue returns a result for each message of an app, in order. A message that was
	// there already, by its idempotency key, is found and not doubled. An error that is
	// a [*message.ValidationError] means that the message itself is at fault; after any
	// other it is tried again.
	Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result
	// Done reports whether nothing more will happen to a message: its state is final,
	// or nobody knows it.
	Done(ctx context.Context, app, id string) (bool, error)
}

// enqueueOne enqueues one message.
func (h *Handler) enqueueOne(ctx context.Context, app string, m tasks.Message) (tasks.Receipt, error) {
	result := h.queue.Enqueue(ctx, app, []tasks.Message{m})[0]
	return result.Receipt, result.Err
}

// idOf is the id that a message of an app has or will have: every message of a
// webhook has an idempotency key.
func idOf(app string, m tasks.Message) string {
	return tasks.IDFromKey(app, m.Options.IdempotencyKey)
}
