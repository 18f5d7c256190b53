package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
)

// batchBounds are those of the lines that go into Redis at once. A slow pipe does not
// fill them: what has come by then is sent.
var batchBounds = envelope.Bounds{Lines: 1000, Bytes: 8 << 20, Buffer: 1 << 20}

// messageReader yields the messages of one `wecomq send`: the one of the flags,
// the one of a file, or one per line.
type messageReader struct {
	options        producer.Options // of every message; a message's own come first
	duplicateCheck int              // seconds, 0 for none
	allowUnknown   bool             // whatever a message says itself
	// accept, when set, makes a message ready for its outlet, that of the app it names.
	accept func(app string, m producer.Message) (*outlet, producer.Message, error)
	outlet *outlet // of the last message

	request message.Request // the one of the flags
	name    string          // of the file, for errors
	in      io.Reader       // the file
	done    bool            // with the one message

	lines  bool
	stream *envelope.Lines
	chunk  []envelope.Line // that have come, and were not yielded yet
	end    error           // what comes after them
	line   int             // number of the last that was
}

func (r *messageReader) open(in io.Reader, name string) {
	r.in, r.name, r.stream = in, name, envelope.NewLines(in, batchBounds)
}

// idle reports whether the next line may be long in coming.
func (r *messageReader) idle() bool { return len(r.chunk) == 0 }

// lineError is a fault of one line, after which reading goes on.
type lineError struct {
	Line int
	Err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *lineError) Unwrap() error { return e.Err }

// next gives the next message, io.EOF after the last, or *lineError for a line
// that is at fault.
func (r *messageReader) next() (producer.Message, error) {
	switch {
	case r.done:
		return producer.Message{}, io.EOF
	case r.lines:
		return r.nextLine()
	}
	r.done = true
	if r.in == nil {
		return r.complete("", producer.Message{Request: r.request, Options: r.options})
	}
	return r.whole()
}

// whole reads the file as one message.
func (r *messageReader) whole() (producer.Message, error) {
	data, err := io.ReadAll(io.LimitReader(r.in, message.MaxBodyBytes+1))
	if err != nil {
		return producer.Message{}, r.unreadable(err)
	}
	m, err := r.message(envelope.Parse(envelope.TrimMark(data)))
	if _, unavailable := errors.AsType[*producer.RedisError](err); err != nil && !unavailable {
		err = usagef("%s: %w", r.name, err)
	}
	return m, err
}

func (r *messageReader) nextLine() (producer.Message, error) {
	for len(r.chunk) == 0 {
		if r.end != nil {
			return producer.Message{}, r.end
		}
		if r.chunk, r.end = r.stream.Chunk(); r.end != nil && !errors.Is(r.end, io.EOF) {
			r.end = r.unreadable(r.end)
		}
	}
	line := r.chunk[0]
	r.chunk, r.line = r.chunk[1:], line.Number
	m, err := r.message(line.Parse())
	if err != nil {
		return producer.Message{}, &lineError{line.Number, err}
	}
	return m, nil
}

// unreadable names the file once: an error of os holds its path, too.
func (r *messageReader) unreadable(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("read %s: %w", r.name, err)
}

// message makes the message of an envelope, if that could be parsed.
func (r *messageReader) message(e *envelope.Envelope, err error) (producer.Message, error) {
	if err != nil {
		return producer.Message{}, err
	}
	e.AllowUnknown = e.AllowUnknown || r.allowUnknown
	m, err := e.Message(r.options)
	if err != nil {
		return producer.Message{}, err
	}
	return r.complete(e.App, m)
}

// complete applies --duplicate-check, which overrides what the message says.
func (r *messageReader) complete(app string, m producer.Message) (producer.Message, error) {
	if r.duplicateCheck > 0 {
		common := m.Request.Common()
		common.EnableDuplicateCheck, common.DuplicateCheckInterval = 1, r.duplicateCheck
	}
	if r.accept == nil {
		return m, nil
	}
	var err error
	r.outlet, m, err = r.accept(app, m)
	return m, err
}
