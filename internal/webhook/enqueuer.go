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
	// found and not doubled.
	IdempotencyKey string
}

// Enqueuer puts messages into the queue.
type Enqueuer interface {
	// Enqueue returns the id of the message, and whether it was there already. An
	// error that is a [*message.ValidationError] means that the message itself is at
	// fault; after any other it is tried again.
	Enqueue(ctx context.Context, m Message) (id string, duplicate bool, err error)
}
