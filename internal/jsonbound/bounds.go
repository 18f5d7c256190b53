// Package jsonbound bounds untrusted JSON before it is decoded: its depth, the members of an object, the
// elements of an array, and the number of values relative to its size. Otherwise a body of small values could
// take a hundred times its size in memory.
package jsonbound

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds are the limits of a JSON text.
type Bounds struct {
	Depth    int // of objects and arrays within each other
	Outer    int // members of the outermost object
	Members  int // of one object within it
	Elements int // of one array
	// IDs are members of the outermost object with ids joined by |. Each has at most MaxIDs.
	IDs    []string
	MaxIDs int
	// Values is the maximum number of values in total; 0: relative to the size.
	Values int
	// ValueBytes is about what a value takes besides its text, once it is decoded; 0: as in a struct.
	ValueBytes int64
}

const (
	// fewValues are allowed in any text; a longer one may have a value for each bytesPerValue bytes. An object or
	// array counts as containerValues: an empty one takes as much as some texts. An alert of Prometheus has 10 bytes
	// per value, one without annotations and with three labels 9.
	fewValues       = 20_000
	bytesPerValue   = 8
	containerValues = 5

	// valueBytes and idBytes are about what a value and an id take besides their text, once they are decoded.
	valueBytes, idBytes = 32, 64

	maxPathBytes = 200
)

// Error says which bound a text exceeds.
type Error struct {
	Path    string // of the value, e.g. alerts[3].labels; "" for the whole
	Problem string
}

// Error is "path: problem".
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + ": " + e.Problem
}

// Check reads a text once, without keeping any of it, and stops at the first violation: its error is an
// [*Error]. decoded is about how many bytes it takes once it is decoded, besides the text itself. Invalid JSON
// is left to the decoder.
func (b Bounds) Check(data []byte) (decoded int64, err error) {
	c := check{
		Bounds: b, most: cmp.Or(b.Values, max(fewValues, len(data)/bytesPerValue)),
		dec: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
	}
	for err == nil {
		err = c.next()
	}
	if over, ok := errors.AsType[*Error](err); ok {
		return 0, over
	}
	return int64(c.values)*cmp.Or(b.ValueBytes, valueBytes) + int64(c.ids)*idBytes, nil
}

// check is the state of reading a text.
type check struct {
	Bounds

	dec         *jsontext.Decoder
	most        int // values
	values, ids int
	member      string // of the outermost object, being read
}

// next reads a token. Its error ends the check.
func (c *check) next() error {
	kind := c.dec.PeekKind()
	if kind != '"' {
		if _, err := c.dec.ReadToken(); err != nil {
			return io.EOF
		}
		return c.place(kind == '}' || kind == ']')
	}
	quoted, err := c.dec.ReadValue() // unlike a token, it is not copied
	if err != nil {
		return io.EOF
	}
	depth := c.dec.StackDepth()
	within, n := c.dec.StackIndex(depth)
	isName := within == '{' && n%2 == 1
	switch {
	case depth != 1 || within != '{':
	case isName:
		c.member = string(quoted[1 : len(quoted)-1])
	case slices.Contains(c.IDs, c.member):
		if err := c.list(quoted); err != nil {
			return err
		}
	}
	return c.place(isName)
}

// list counts the ids of a text.
func (c *check) list(quoted []byte) error {
	n := 1 + bytes.Count(quoted, []byte("|"))
	for _, escaped := range []string{`\u007c`, `\u007C`} {
		n += bytes.Count(quoted, []byte(escaped))
	}
	if c.ids += n; n > c.MaxIDs {
		return &Error{c.member, fmt.Sprintf("over %d ids", c.MaxIDs)}
	}
	return nil
}

// place checks the reader's position, and counts the value that it has read; a name or the end of an object does
// not count.
func (c *check) place(none bool) error {
	depth := c.dec.StackDepth()
	within, n := c.dec.StackIndex(depth)
	switch {
	case none:
	case n == 0: // it has just begun
		c.values += containerValues
	default:
		c.values++
	}
	switch {
	case depth > c.Depth:
		return c.over("over %d objects and arrays within each other", c.Depth)
	case within == '{' && n > 2*int64(c.members(depth)):
		return c.over("over %d members", c.members(depth))
	case within == '[' && n > int64(c.Elements):
		return c.over("over %d elements", c.Elements)
	case c.values > c.most:
		return &Error{"", fmt.Sprintf("over %d values in the first %d bytes, which is more than a body of its size may have", c.most, c.dec.InputOffset())}
	}
	return nil
}

// members is the maximum for an object at this depth.
func (c *check) members(depth int) int {
	if depth == 1 {
		return c.Outer
	}
	return c.Members
}

// over is the error for the current object or array.
func (c *check) over(format string, limit int) error {
	var path strings.Builder
	for token := range c.dec.StackPointer().Parent().Tokens() {
		switch _, err := strconv.Atoi(token); {
		case err == nil:
			fmt.Fprintf(&path, "[%s]", token)
		case path.Len() > 0:
			path.WriteByte('.')
			fallthrough
		default:
			fmt.Fprintf(&path, "%.40s", token)
		}
		if path.Len() > maxPathBytes {
			break
		}
	}
	return &Error{path.String(), fmt.Sprintf(format, limit)}
}
