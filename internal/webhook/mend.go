package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
)

// mended corrects mistakes of scripts that build JSON by hand, which WeCom accepts as well: trailing commas, and
// raw line breaks in strings.
func mended(body []byte) []byte {
	if json.Valid(body) {
		return body
	}
	m := mender{out: make([]byte, 0, len(body)), comma: -1}
	for _, c := range body {
		if len(m.out) > 2*len(body) { // so many line breaks are no accident, and would take much memory
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

// mender reads JSON with mistakes.
type mender struct {
	out     []byte
	inside  bool // a string
	escaped bool // a backslash precedes
	comma   int  // position of the last one in out, -1 once a value or the end has followed
	last    byte // that is not white space, outside strings
}

// text takes a byte of a string.
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

// sign takes a byte outside strings.
func (m *mender) sign(c byte) {
	switch c {
	case ' ', '\t', '\r', '\n':
	case ',':
		if m.comma = len(m.out); m.last == ',' {
			m.comma = -1 // two are no accident
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
