package compose

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"maps"
	"slices"
	"text/template"

	"github.com/wecomq/wecomq/message"
)

// maxRenderedBytes bounds one string while it is rendered. WeCom accepts no string of that length.
const maxRenderedBytes = 1 << 20

// somebody stands in for the recipients while a content is checked.
const somebody = "somebody"

// hashBytes is the length of the hash of a rendering: among 10 million renderings, the probability of a
// collision is 1 in 10^25.
const hashBytes = 16

// renderer renders one message repeatedly. It belongs to one goroutine at a time.
type renderer struct {
	request message.Request
	slots   []slot // the strings with a template
	columns []string
	row     map[string]string
	out     limitedBuffer
	hash    hash.Hash
}

// slot is a string of the message that is a template.
type slot struct {
	path   string // in JSON
	text   *template.Template
	target *string
}

func newRenderer(request message.Request) (*renderer, error) {
	request = message.WithRecipients(request, message.Recipients{Users: []string{somebody}})
	request, found := stringsOf(request)
	r := &renderer{request: request, row: make(map[string]string), hash: sha256.New()}
	used := make(map[string]bool)
	var problems []message.FieldError
	for _, s := range found {
		text, err := parseText(s.path, *s.target, used)
		if err != nil {
			problems = append(problems, message.FieldError{Field: s.path, Problem: err.Error()})
			continue
		}
		if text != nil {
			r.slots = append(r.slots, slot{s.path, text, s.target})
		}
	}
	if problems != nil {
		return nil, &message.ValidationError{Fields: problems}
	}
	r.columns = slices.Sorted(maps.Keys(used))
	return r, nil
}

// checkFixed reports problems that do not depend on the row.
func (r *renderer) checkFixed() error {
	if len(r.columns) == 0 {
		return r.render(nil)
	}
	err := message.ValidateContent(r.request)
	invalid, ok := errors.AsType[*message.ValidationError](err)
	if !ok {
		return err
	}
	fixed := slices.DeleteFunc(invalid.Fields, func(f message.FieldError) bool {
		return slices.ContainsFunc(r.slots, func(s slot) bool { return s.path == f.Field })
	})
	if len(fixed) == 0 {
		return nil
	}
	return &message.ValidationError{Fields: fixed}
}

// render fills the slots with a row's values, in the order of r.columns, and checks the message.
func (r *renderer) render(values []string) error {
	for i, column := range r.columns {
		r.row[column] = values[i]
	}
	for _, s := range r.slots {
		r.out.Reset()
		if err := s.text.Execute(&r.out, r.row); err != nil {
			return &message.ValidationError{Fields: []message.FieldError{{Field: s.path, Problem: explain(s.path, err)}}}
		}
		*s.target = r.out.String()
	}
	return message.ValidateContent(r.request)
}

// sum is the hash of the last rendering.
func (r *renderer) sum(into []byte) []byte {
	r.hash.Reset()
	var length [8]byte
	for _, s := range r.slots {
		binary.BigEndian.PutUint64(length[:], uint64(len(*s.target)))
		r.hash.Write(length[:])
		r.hash.Write([]byte(*s.target))
	}
	return append(into, r.hash.Sum(nil)[:hashBytes]...)
}
