package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
)

// mended is a body without what scripts that put JSON together themselves get wrong, and
// WeCom takes as well: a comma too many, and raw line breaks inside texts.
func mended(body []byte) []byte {
	if json.Valid(body) {
		return body
	}
	m := mender{out: make([]byte, 0, len(body)), comma: -1}
	for _, c := range body {
		if len(m.out) > 2*len(body) { // line breaks in such numbers are no slip, and would take much memory
			return body
		}
		if m.inside {
			m.text(c)
		} else {
			m.sign(c)
		}
	}
	return m.out
}

// mender goes through JSON that has mistakes.
type mender struct {
	out     []byte
	inside  bool // a text
	escaped bool // a backslash stands in front
	comma   int  // where the last one stands in out, -1 if a value or the end has followed
	last    byte // that is no blank, between texts
}

// text takes a byte of a text.
func (m *mender) text(c byte) {
	switch {
	case m.escaped:
		m.escaped = false
	case c == '\\':
		m.escaped = true
	case c == '"':
		m.inside = false
	case c < ' ':
		m.out = fmt.Appendf(m.out, `\u%04x`, c)
		return
	}
	m.out = append(m.out, c)
}

// sign takes a byte between texts.
func (m *mender) sign(c byte) {
	switch c {
	case ' ', '\t', '\r', '\n':
	case ',':
		if m.comma = len(m.out); m.last == ',' {
			m.comma = -1 // two are no slip
		}
		m.last = c
	case ']', '}':
		if m.comma >= 0 {
			m.out = slices.Delete(m.out, m.comma, m.comma+1)
		}
		m.comma, m.last = -1, c
	default:
		m.inside, m.comma, m.last = c == '"', -1, c
	}
	m.out = append(m.out, c)
}
