package envelope

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/jsonbound"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// ErrTooLarge is a message, or a line, of more than [message.MaxBodyBytes].
var ErrTooLarge = errors.New("the body is too large")

// Envelope is a message as a client has written it.
type Envelope struct {
	App     string        // "" if it names none
	Options tasks.Options // those that it names
	Decoded int64         // about how many bytes it takes, beside its text
	// AllowUnknown passes on what [message.Parse] does not know.
	AllowUnknown bool

	problems []message.FieldError // of our members
	body     []byte               // the rest, WeCom's
}

// Parse takes our members out of a message; what is wrong with them, [Envelope.Message]
// tells. An error is [ErrTooLarge], or says why the whole cannot be read.
func Parse(data []byte) (*Envelope, error) {
	data = textfile.TrimMark(data)
	if len(data) > message.MaxBodyBytes {
		return nil, fmt.Errorf("%w: over %d bytes", ErrTooLarge, message.MaxBodyBytes)
	}
	decoded, err := MessageBounds.Check(data)
	if err != nil {
		return nil, outOfBounds(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil || all == nil {
		_, err = message.Parse(data) // it says best what is wrong
		return nil, err
	}
	e := &Envelope{Decoded: decoded, body: data}
	own := false
	for _, m := range members {
		if value, there := all[m.Name]; there {
			own = true
			delete(all, m.Name)
			e.take(m, value)
		}
	}
	if own { // or it goes on untouched, so that errors name the places where the client put things
		e.body = object(all)
	}
	return e, nil
}

// take reads one of our members.
func (e *Envelope) take(m member, value json.RawMessage) {
	var text *string
	problem := "want a string"
	if m.Boolean {
		problem = "want true or false"
		if string(value) == "true" || string(value) == "false" {
			value = append(append([]byte{'"'}, value...), '"')
		}
	}
	if json.Unmarshal(value, &text) == nil {
		if text == nil { // null
			return
		}
		problem = m.read(e, *text)
	}
	if problem != "" {
		e.problems = append(e.problems, message.FieldError{Field: m.Name, Problem: problem})
	}
}

// Message makes the message, with the defaults where it says nothing itself. A
// [*message.ValidationError] names all members that are wrong, ours and WeCom's;
// any other error says why the rest cannot be read.
func (e *Envelope) Message(defaults tasks.Options) (tasks.Message, error) {
	found := slices.Clone(e.problems)
	if key := defaults.IdempotencyKey; key != "" && e.Options.IdempotencyKey == "" && keyProblem(key) != "" {
		found = append(found, message.FieldError{Field: keyMember, Problem: keyProblem(key)})
	}
	request, err := e.request()
	if invalid, ok := errors.AsType[*message.ValidationError](err); ok {
		found = append(found, invalid.Fields...)
	} else if err != nil {
		return tasks.Message{}, err
	}
	if len(found) > 0 {
		return tasks.Message{}, &message.ValidationError{Fields: found}
	}
	return tasks.Message{Request: request, Options: e.Options.Or(defaults)}, nil
}

// request reads WeCom's members.
func (e *Envelope) request() (message.Request, error) {
	if e.AllowUnknown {
		return message.ParseOpen(e.body)
	}
	request, err := message.Parse(e.body)
	if invalid, ok := errors.AsType[*message.ValidationError](err); ok {
		for i, field := range invalid.Fields {
			if field.Unknown {
				invalid.Fields[i].Problem += meant(field) + " (" + allowMember + " passes it on)"
			}
		}
	}
	return request, err
}

// meant names the member of ours that an unknown one comes near.
func meant(unknown message.FieldError) string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	near := message.Nearest(unknown.Field, names)
	if near == "" || unknown.Near != "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// Encode writes a message that [Parse] reads, for a while in Redis: without the app,
// and without the options that count from the moment of a call.
func Encode(m tasks.Message) ([]byte, error) {
	if m.Options.Delay != 0 || !m.Options.ExpiresAt.IsZero() {
		return nil, errors.New("encode envelope: there is no member for a delay or for the moment of the deadline")
	}
	b, err := message.Encode(m.Request)
	if err != nil {
		return nil, err
	}
	b = b[:len(b)-1]
	for _, member := range members {
		if text := member.write(m.Options); text != "" {
			value, _ := json.Marshal(text) // of a string: it cannot fail
			b = appendMember(b, member.Name, value)
		}
	}
	return append(b, '}'), nil
}

// object is the JSON of members, in the order of their names.
func object(members map[string]json.RawMessage) []byte {
	b := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		b = appendMember(b, name, members[name])
	}
	return append(b, '}')
}

func appendMember(b []byte, name string, value []byte) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	quoted, _ := json.Marshal(name) // of a string: it cannot fail
	return append(append(append(b, quoted...), ':'), value...)
}

// MaxRecipients is how many users, departments and tags one message may name. A
// broadcast takes any number.
const MaxRecipients = 100_000

// MessageBounds are those of a message's JSON. The largest types have a dozen members, and the
// longest list that WeCom accepts has 1000 items.
var MessageBounds = jsonbound.Bounds{
	Depth: 16, Outer: 64, Members: 1000, Elements: message.MaxUsers + 1,
	IDs: []string{"touser", "toparty", "totag"}, MaxIDs: MaxRecipients,
}

// outOfBounds adds what helps.
func outOfBounds(err error) error {
	over, _ := errors.AsType[*jsonbound.Error](err)
	switch {
	case slices.Contains(MessageBounds.IDs, over.Path):
		return fmt.Errorf("%w; send it as a broadcast", err)
	case over.Path == "" && strings.HasSuffix(over.Problem, "members"):
		return fmt.Errorf("%w; WeCom knows about ten", err)
	}
	return err
}
