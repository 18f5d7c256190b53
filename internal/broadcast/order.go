package broadcast

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/message"
)

// Order is the JSON of a broadcast over HTTP.
type Order struct {
	App string `json:"app,omitempty" doc:"The app that sends it; may be left out if the token has only one"`
	// Set exactly one of Message, Text and Markdown.
	Message  json.RawMessage `json:"message,omitempty" doc:"WeCom's message/send JSON without recipients; each string may be a Go text/template over the columns of the list"`
	Text     string          `json:"text,omitempty" doc:"Instead of message: the content of a text message, a template"`
	Markdown string          `json:"markdown,omitempty" doc:"Instead of message: the content of a markdown message, a template"`

	At        time.Time `json:"at,omitzero" doc:"When it starts, RFC 3339; by default at once"`
	ExpiresIn string    `json:"expires_in,omitempty" doc:"Recipients not reached within this time of its start are given up" example:"48h"`
	Rate      int       `json:"rate,omitempty" doc:"Maximum number of recipients per minute; 0 for the app's own limit"`
	Between   string    `json:"between,omitempty" doc:"Send in these hours of the day only, in the app's time zone" example:"09:00-18:00"`
	Approve   bool      `json:"approve,omitempty" doc:"Wait until somebody else approves it"`
	// TestTo is a user who gets three samples first: see [Desk.CreateTested].
	TestTo string `json:"test_to,omitempty" doc:"A userid who gets three of the messages first; it is created only if WeCom accepts them" example:"zhangsan"`

	SkipInvalid bool   `json:"skip_invalid,omitempty" doc:"Leave out rows with a problem"`
	Encoding    string `json:"encoding,omitempty" doc:"Encoding of the list: utf-8, gb18030 (or gbk, gb2312), utf-16le or utf-16be; detected by default"`
	Header      string `json:"header,omitempty" doc:"Whether the first row of the list names its columns: auto, yes or no"`

	IdempotencyKey string `json:"idempotency_key,omitempty" doc:"Makes a repeat find the first broadcast"`
	DryRun         bool   `json:"dry_run,omitempty" doc:"Check and show it without storing anything"`
	// Recipients are userids, or objects with a userid and the other columns. It excludes a list file.
	Recipients json.RawMessage `json:"recipients,omitempty" doc:"userids, or objects with userid and other columns as texts"`
}

// ReadOrder reads the JSON of an order. Invalid JSON, or an invalid member, is a [*message.ValidationError].
func ReadOrder(data []byte) (*Order, error) {
	o := &Order{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(o)
	if err == nil && decoder.More() {
		return nil, errors.New("there is more than one JSON value")
	}
	var kind *json.UnmarshalTypeError
	var moment *time.ParseError
	switch {
	case err == nil:
		return o, nil
	case errors.As(err, &kind) && kind.Field != "":
		return nil, wrong(kind.Field, "is not a %s but a JSON %s", kind.Type, kind.Value)
	case errors.As(err, &moment):
		return nil, wrong("at", "%s is not a time such as 2026-01-02T15:04:05+08:00", moment.Value)
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return nil, wrong(strings.Trim(name, `"`), "no such member")
	}
	return nil, err
}

func wrong(field, format string, args ...any) error {
	return &message.ValidationError{Fields: []message.FieldError{{Field: field, Problem: fmt.Sprintf(format, args...)}}}
}

// Template is the content.
func (o *Order) Template() (*compose.Template, error) {
	contents := 0
	for _, given := range []bool{len(o.Message) > 0, o.Text != "", o.Markdown != ""} {
		if given {
			contents++
		}
	}
	var template *compose.Template
	var err error
	var member string
	switch {
	case contents != 1:
		return nil, wrong("message", "there are %d contents; set one of message, text and markdown", contents)
	case o.Text != "":
		member = "text"
		template, err = compose.TextTemplate(message.TypeText, o.Text)
	case o.Markdown != "":
		member = "markdown"
		template, err = compose.TextTemplate(message.TypeMarkdown, o.Markdown)
	default:
		member = "message"
		template, err = compose.ParseTemplate(o.Message)
	}
	if err != nil {
		return nil, within(member, err)
	}
	return template, nil
}

// within adds the member of the order to an error.
func within(member string, err error) error {
	var invalid *message.ValidationError
	if !errors.As(err, &invalid) {
		return wrong(member, "%v", err)
	}
	moved := &message.ValidationError{}
	for _, field := range invalid.Fields {
		name := member
		if member == "message" {
			name += "." + field.Field
		}
		moved.Fields = append(moved.Fields, message.FieldError{Field: name, Problem: field.Problem})
	}
	return moved
}

// Spec returns the settings of the order, with hours in this zone.
func (o *Order) Spec(zone *time.Location, by string) (Spec, error) {
	template, err := o.Template()
	if err != nil {
		return Spec{}, err
	}
	spec := Spec{Template: template, At: o.At, Rate: o.Rate, NeedsApproval: o.Approve, CreatedBy: by}
	if o.Rate < 0 {
		return Spec{}, wrong("rate", "%d recipients a minute is negative", o.Rate)
	}
	if o.ExpiresIn != "" {
		if spec.ExpiresIn, err = time.ParseDuration(o.ExpiresIn); err != nil || spec.ExpiresIn <= 0 {
			return Spec{}, wrong("expires_in", `%.80q is not a duration such as "90m" or "48h"`, o.ExpiresIn)
		}
	}
	if o.Between != "" {
		if spec.Between, err = ParseHours(o.Between, zone); err != nil {
			return Spec{}, wrong("between", "%v", err)
		}
	}
	return spec, nil
}

// Options says how to read the list.
func (o *Order) Options() (compose.Options, error) {
	header := compose.Header(o.Header)
	switch header {
	case compose.HeaderAuto, compose.HeaderYes, compose.HeaderNo:
	case "auto":
		header = compose.HeaderAuto
	default:
		return compose.Options{}, wrong("header", "%.80q is not one of auto, yes, no", o.Header)
	}
	if err := compose.CheckEncoding(o.Encoding); err != nil {
		return compose.Options{}, wrong("encoding", "%v", err)
	}
	return compose.Options{Encoding: o.Encoding, Header: header, SkipInvalid: o.SkipInvalid}, nil
}

// list returns the given list, or the recipients of the order.
func (o *Order) list(given io.Reader) (*compose.List, error) {
	switch named := len(o.Recipients) > 0; {
	case given == nil && !named:
		return nil, wrong("recipients", "missing; name them, or send a list as the part recipients of multipart/form-data")
	case given != nil && named:
		return nil, wrong("recipients", "there is already a list file; leave them out")
	case given != nil:
		return &compose.List{Reader: given}, nil
	}
	return compose.ListFromJSON(o.Recipients)
}
