package webhook

import (
	"context"
	"errors"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Queue accepts messages and knows their state.
type Queue interface {
	// Enqueue returns a result for each message of an app, in order. It finds an existing message by its idempotency
	// key, and does not enqueue it again. A [*message.ValidationError] is the message's own fault; any other error
	// is retried.
	Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result
	// Reserve charges a message that is enqueued later to its sender's budget.
	Reserve(ctx context.Context, m tasks.Message) error
	// Done reports whether a message is finished: its state is final, or unknown to the queue.
	Done(ctx context.Context, app, id string) (bool, error)
	// ChangeCard enqueues the update of a card that was sent, and returns its state. A repetition with an equal key
	// finds the first update. [ErrUnchangeable] means that the card can no longer be changed.
	ChangeCard(ctx context.Context, app, id string, update message.UpdateTemplateCardRequest, key string) (tasks.State, error)
}

// ErrUnchangeable is returned for a card whose code is used or too old, or that has none.
var ErrUnchangeable = errors.New("the card cannot be changed")

// enqueueOne enqueues one message.
func (h *Handler) enqueueOne(ctx context.Context, app string, m tasks.Message) (tasks.Receipt, error) {
	result := h.queue.Enqueue(ctx, app, []tasks.Message{m})[0]
	return result.Receipt, result.Err
}

// idOf is the id that a message of an app has or will have; it follows from the idempotency key, which all
// messages of webhooks have.
func idOf(app string, m tasks.Message) string {
	return tasks.IDFromKey(app, m.Options.IdempotencyKey)
}
