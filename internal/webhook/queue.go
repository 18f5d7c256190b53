package webhook

import (
	"context"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Message is a message to enqueue.
type Message struct {
	App      string
	Request  message.Request
	Priority tasks.Priority
	// IdempotencyKey is the same for the same message: enqueued again, it must be
	// found and not doubled. The message's id is [tasks.IDFromKey] of it.
	IdempotencyKey string
}

// ID is the message's id.
func (m Message) ID() string { return tasks.IDFromKey(m.App, m.IdempotencyKey) }

// Queue takes messages and knows what became of them.
type Queue interface {
	// Enqueue returns the id of the message, and whether it was there already. An
	// error that is a [*message.ValidationError] means that the message itself is at
	// fault; after any other it is tried again.
	Enqueue(ctx context.Context, m Message) (id string, duplicate bool, err error)
	// Done reports whether nothing more will happen to a message: its state is final,
	// or nobody knows it.
	Done(ctx context.Context, app, id string) (bool, error)
}
