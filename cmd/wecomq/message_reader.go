package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// messageReader yields the messages of one `wecomq send`: the one of the flags,
// the one of a file, or one per line.
type messageReader struct {
	options        producer.Options // of every message; a message's own come first
	duplicateCheck int              // seconds, 0 for none

	request message.Request // the one of the flags
	name    string          // of the file, for errors
	lines   bool
	in      *bufio.Reader
	line    int // its number
	size    int // its bytes
	done    bool
}

func (r *messageReader) open(in io.Reader, name string) {
	r.in, r.name = bufio.NewReaderSize(in, 1<<20), name
}

// idle reports whether the next line may be long in coming.
func (r *messageReader) idle() bool { return r.in.Buffered() == 0 }

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
	if r.done {
		return producer.Message{}, io.EOF
	}
	if r.in == nil {
		r.done = true
		return r.complete(r.request, r.options), nil
	}
	if !r.lines {
		r.done = true
		data, err := io.ReadAll(io.LimitReader(r.in, message.MaxBodyBytes+1))
		if err != nil {
			return producer.Message{}, r.unreadable(err)
		}
		m, err := r.parse(data)
		if err != nil {
			return producer.Message{}, usagef("%s: %w", r.name, err)
		}
		return m, nil
	}
	return r.nextLine()
}

func (r *messageReader) nextLine() (producer.Message, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return producer.Message{}, err
		}
		r.line++
		r.size = len(line)
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		m, err := r.parse(line)
		if err != nil {
			return producer.Message{}, &lineError{r.line, err}
		}
		return m, nil
	}
}

// readLine reads a line of any length that a message may have; the rest of a
// longer one is skipped, and parse refuses what was read of it.
func (r *messageReader) readLine() ([]byte, error) {
	var line []byte
	for {
		chunk, err := r.in.ReadSlice('\n')
		if len(line) <= message.MaxBodyBytes {
			line = append(line, chunk...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil:
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		default:
			return nil, r.unreadable(err)
		}
	}
}

// unreadable names the file once: an error of os holds its path, too.
func (r *messageReader) unreadable(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("read %s: %w", r.name, err)
}

// envelope are the members of a message that are ours, not WeCom's.
type envelope struct {
	Priority       tasks.Priority `json:"priority"`
	ProcessAt      *time.Time     `json:"process_at"`
	ExpiresIn      string         `json:"expires_in"`
	IdempotencyKey string         `json:"idempotency_key"`
}

// parse reads a message with its envelope.
func (r *messageReader) parse(data []byte) (producer.Message, error) {
	if r.line <= 1 {
		data = bytes.TrimPrefix(data, []byte("\ufeff")) // what Windows puts at the beginning
	}
	body, ours, err := splitEnvelope(data)
	if err != nil {
		return producer.Message{}, err
	}
	request, err := message.Parse(body)
	if err != nil {
		return producer.Message{}, err
	}
	options, err := ours.apply(r.options)
	if err != nil {
		return producer.Message{}, err
	}
	return r.complete(request, options), nil
}

// complete applies --duplicate-check, which overrides what the message says.
func (r *messageReader) complete(request message.Request, options producer.Options) producer.Message {
	if r.duplicateCheck > 0 {
		common := request.Common()
		common.EnableDuplicateCheck, common.DuplicateCheckInterval = 1, r.duplicateCheck
	}
	return producer.Message{Request: request, Options: options}
}

// splitEnvelope takes our members out of a message. A message without any goes
// on untouched, so that errors name the places where the user put things.
func splitEnvelope(data []byte) (body []byte, ours envelope, err error) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members) // message.Parse says what is wrong
	own := map[string]json.RawMessage{}
	for _, name := range []string{"priority", "process_at", "expires_in", "idempotency_key"} {
		if value, ok := members[name]; ok {
			own[name] = value
			delete(members, name)
		}
	}
	if len(own) == 0 {
		return data, ours, nil
	}
	for name, value := range own {
		if err := ours.set(name, value); err != nil {
			return nil, ours, fmt.Errorf("%s: %w", name, err)
		}
	}
	body, err = json.Marshal(members)
	return body, ours, err
}

func (e *envelope) set(name string, value json.RawMessage) error {
	var target any
	switch name {
	case "priority":
		target = &e.Priority
	case "process_at":
		target = &e.ProcessAt
	case "expires_in":
		target = &e.ExpiresIn
	default:
		target = &e.IdempotencyKey
	}
	if err := json.Unmarshal(value, target); err != nil {
		return fmt.Errorf("%s is not a string of the right form", value)
	}
	return nil
}

// apply puts the message's own choices over those of the flags.
func (e envelope) apply(o producer.Options) (producer.Options, error) {
	if e.Priority != "" {
		o.Priority = e.Priority
	}
	if e.ProcessAt != nil {
		o.At, o.Delay = *e.ProcessAt, 0
	}
	if e.IdempotencyKey != "" {
		o.IdempotencyKey = e.IdempotencyKey
	}
	if e.ExpiresIn != "" {
		life, err := time.ParseDuration(e.ExpiresIn)
		if err != nil {
			return o, fmt.Errorf(`expires_in: %q is not a duration such as "90s" or "1h"`, e.ExpiresIn)
		}
		o.ExpiresIn = life
	}
	return o, o.Validate()
}
