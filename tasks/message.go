package tasks

import (
	"errors"

	"github.com/wecomq/wecomq/message"
)

// Message is a message to enqueue.
type Message struct {
	Request message.Request
	Options Options
	// ID is "" for a new message. If it is unknown whether a message was enqueued, enqueue it again with the
	// same id, from [NewID]: it is enqueued once. With an idempotency key the id derives from the key.
	ID string
}

// Validate reports the first problem of the options, or all problems of the content. There may be more
// recipients than one call takes.
func (m Message) Validate() error {
	if m.Request == nil {
		return errors.New("message: the request is nil")
	}
	if err := m.Options.Validate(); err != nil {
		return err
	}
	return message.ValidateContent(m.Request)
}
