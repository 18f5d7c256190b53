// Package submission reads the input of one command, a message or a file of them, prepares each message for the
// app that sends it, and enqueues them by the thousand.
package submission

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Terms apply to every message of a submission.
type Terms struct {
	Options        tasks.Options // a message's own take precedence
	DuplicateCheck int           // seconds, which override a message's own; 0 for none
	AllowUnknown   bool          // regardless of a message's own setting
	Outlets        *Outlets
}

// Item is a message that can be enqueued.
type Item struct {
	Line    int // of a file of lines
	Message tasks.Message
	Outlet  *Outlet
}

// Request prepares a message that does not come from a file. The error is a [*FaultError], or an
// [*asynqx.RedisError] if its media could not be stored.
func (t *Terms) Request(ctx context.Context, request message.Request) (Item, error) {
	item, err := t.complete(ctx, "", tasks.Message{Request: request, Options: t.Options})
	return item, faulty(err, "")
}

// File reads a file of one message. Its errors are those of Request, or that the file cannot be read.
func (t *Terms) File(ctx context.Context, in io.Reader, name string) (Item, error) {
	data, err := io.ReadAll(io.LimitReader(in, message.MaxBodyBytes+1))
	if err != nil {
		return Item{}, unreadable(name, err)
	}
	item, err := t.item(ctx, func() (*envelope.Envelope, error) { return envelope.Parse(textfile.TrimMark(data)) })
	return item, faulty(err, name+": ")
}

// item prepares the message of an envelope.
func (t *Terms) item(ctx context.Context, parse func() (*envelope.Envelope, error)) (Item, error) {
	e, err := parse()
	if err != nil {
		return Item{}, err
	}
	e.AllowUnknown = e.AllowUnknown || t.AllowUnknown
	m, err := e.Message(t.Options)
	if err != nil {
		return Item{}, err
	}
	return t.complete(ctx, e.App, m)
}

// complete finds the outlet of a message, and stores its files.
func (t *Terms) complete(ctx context.Context, app string, m tasks.Message) (Item, error) {
	if t.DuplicateCheck > 0 {
		common := m.Request.Common()
		common.EnableDuplicateCheck, common.DuplicateCheckInterval = 1, t.DuplicateCheck
	}
	outlet, err := t.Outlets.of(app)
	if err != nil {
		return Item{}, err
	}
	if err := outlet.checkAgent(m.Request); err != nil {
		return Item{}, err
	}
	m, err = outlet.Files.Attach(ctx, m)
	return Item{Message: m, Outlet: outlet}, err
}

// faulty is a FaultError unless Redis failed.
func faulty(err error, in string) error {
	if _, unavailable := errors.AsType[*asynqx.RedisError](err); err == nil || unavailable {
		return err
	}
	return &FaultError{Err: fmt.Errorf("%s%w", in, err)}
}

// unreadable names the file once: errors of os contain its path, too.
func unreadable(name string, err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("read %s: %w", name, err)
}
