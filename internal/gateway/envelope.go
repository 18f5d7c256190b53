package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// envelope are the members of a message that are ours, not WeCom's.
type envelope struct {
	App            string          `json:"app"`
	Priority       tasks.Priority  `json:"priority"`
	ProcessAt      string          `json:"process_at"`
	ExpiresIn      string          `json:"expires_in"`
	IdempotencyKey *string         `json:"idempotency_key"`
	problems       problems        // collected by read
	body           json.RawMessage // the rest, WeCom's
}

// envelopeMembers are the names of our members, in the order of the struct.
var envelopeMembers = []string{"app", "priority", "process_at", "expires_in", "idempotency_key"}

// problems collects what is wrong with the members of a message.
type problems []message.FieldError

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, message.FieldError{Field: field, Problem: fmt.Sprintf(format, args...)})
}

// err is all of them, nil for none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &message.ValidationError{Fields: p}
}

// readEnvelope takes our members out of a message. A message without any goes on
// untouched, so that errors name the places where the client put things.
func readEnvelope(data []byte) (*envelope, error) {
	if len(data) > message.MaxBodyBytes {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", problem.ErrTooLarge, len(data), message.MaxBodyBytes)
	}
	if countMembers(data) > maxMembers {
		return nil, fmt.Errorf("%w: over %d members; WeCom knows about ten", problem.ErrMalformed, maxMembers)
	}
	e := &envelope{body: data}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		_, err = message.Parse(data) // it says best what is wrong
		return nil, fmt.Errorf("%w: %w", problem.ErrMalformed, err)
	}
	own := 0
	for _, name := range envelopeMembers {
		value, ok := members[name]
		if !ok {
			continue
		}
		own++
		delete(members, name)
		e.read(name, value)
	}
	if own > 0 {
		e.body, _ = marshal(members) // of raw JSON: it cannot fail
	}
	return e, nil
}

// maxMembers bounds the members of a message, of which the largest types have a
// dozen: a million small ones would take fifty times their size in memory.
const maxMembers = 64

// countMembers counts those of the outermost object, without memory.
func countMembers(data []byte) (n int) {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 1:
			n++
		}
	}
	return n
}

// marshal is the compact JSON of a value, with < > & as they are.
func marshal(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSpace(buf.Bytes()), err
}

func (e *envelope) read(name string, value json.RawMessage) {
	targets := map[string]any{
		"app": &e.App, "priority": &e.Priority, "process_at": &e.ProcessAt, "expires_in": &e.ExpiresIn,
		"idempotency_key": &e.IdempotencyKey,
	}
	if err := json.Unmarshal(value, targets[name]); err != nil {
		e.problems.add(name, "want a string")
		if name == "idempotency_key" {
			e.IdempotencyKey = nil
		}
	}
}

// message makes the message that the envelope and its body say.
func (e *envelope) message() (tasks.Message, error) {
	found := e.problems
	m := tasks.Message{Options: tasks.Options{Priority: e.Priority}}
	if e.Priority != "" && e.Priority.Validate() != nil {
		found.add("priority", "%q is none of critical, default, bulk", string(e.Priority))
	}
	m.Options.At = found.moment("process_at", e.ProcessAt)
	m.Options.ExpiresIn = found.life("expires_in", e.ExpiresIn)
	if e.IdempotencyKey != nil {
		m.Options.IdempotencyKey = *e.IdempotencyKey
		if problem := checkKey(m.Options.IdempotencyKey); problem != "" {
			found.add("idempotency_key", "%s", problem)
		}
	}
	request, err := message.Parse(e.body)
	if invalid, ok := asValidation(err); ok {
		found = append(found, invalid.Fields...)
	} else if err != nil {
		return tasks.Message{}, fmt.Errorf("%w: %w", problem.ErrMalformed, err)
	}
	m.Request = request
	return m, found.err()
}

func (p *problems) moment(field, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.add(field, "%.80q is not a time such as 2026-01-02T15:04:05+08:00", text)
	}
	return at
}

func (p *problems) life(field, text string) time.Duration {
	if text == "" {
		return 0
	}
	life, err := time.ParseDuration(text)
	if err != nil || life <= 0 {
		p.add(field, `%.80q is not a duration such as "90s" or "1h"`, text)
	}
	return life
}

const maxKeyBytes = 255

// keyPattern lets through what fits into a header: visible ASCII and blanks inside.
var keyPattern = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)

// checkKey says what is wrong with an idempotency key, "" if nothing.
func checkKey(key string) string {
	switch {
	case key == "":
		return "empty; leave it out, or set one that is different for every message"
	case len(key) > maxKeyBytes:
		return fmt.Sprintf("%d bytes, at most %d", len(key), maxKeyBytes)
	case !keyPattern.MatchString(key):
		return "want visible ASCII characters"
	}
	return ""
}
