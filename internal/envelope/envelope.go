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

// ErrTooLarge is returned for a message, or a line, of more than [message.MaxBodyBytes].
var ErrTooLarge = errors.New("the body is too large")

// Envelope is a parsed message of a client.
type Envelope struct {
	App     string        // "" if it names none
	Options tasks.Options // as given in the message
	Decoded int64         // about how many bytes it takes in memory, besides its text
	// AllowUnknown passes on members that [message.Parse] does not know.
	AllowUnknown bool

	problems []message.FieldError // of our members
	body     []byte               // the remaining members, which are WeCom's
}

// Parse separates our members from a message; [Envelope.Message] returns their faults. The error is
// [ErrTooLarge], or says why the message cannot be parsed at all.
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
		_, err = message.Parse(data) // its error is the most precise
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
	if own { // otherwise the text stays unchanged, so that positions in errors are the client's
		e.body = object(all)
	}
	return e, nil
}

// take parses one of our members.
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

// Message makes the message, with defaults for missing options. A [*message.ValidationError] names all invalid
// members, ours and WeCom's; any other error says why WeCom's members cannot be parsed.
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

// request parses WeCom's members.
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

// meant returns the member of ours that resembles an unknown one.
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

// Encode encodes a message for temporary storage in Redis, in the form that [Parse] reads: without the app, and
// without options that are relative to the time of a call.
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

// object is the JSON of members, ordered by name.
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

// MaxRecipients is how many users, departments and tags one message may name. A broadcast may have any number.
const MaxRecipients = 100_000

// MessageBounds are the bounds of a message's JSON. The largest types have a dozen members, and the longest list
// that WeCom accepts has 1000 items.
var MessageBounds = jsonbound.Bounds{
	Depth: 16, Outer: 64, Members: 1000, Elements: message.MaxUsers + 1,
	IDs: []string{"touser", "toparty", "totag"}, MaxIDs: MaxRecipients,
}

// outOfBounds adds advice to the error.
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
