package tasks

import (
	"errors"

	"github.com/wecomq/wecomq/message"
)

// Message is a message to enqueue.
type Message struct {
	Request message.Request
	Options Options
	// ID is "" for a new one. Whoever does not know whether a message was enqueued
	// enqueues it again under the same id, of [NewID]: it is then there once. With an
	// idempotency key the id derives from that.
	ID string
}

// Validate names what is wrong with the options, or all that is wrong with the
// content. Its recipients may be more than one call takes.
func (m Message) Validate() error {
	if m.Request == nil {
		return errors.New("message: the request is nil")
	}
	if err := m.Options.Validate(); err != nil {
		return err
	}
	return message.ValidateContent(m.Request)
}
