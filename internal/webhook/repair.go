package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
)

// repairJSON corrects mistakes of scripts that build JSON by hand, which WeCom accepts as well: trailing commas, and
// raw line breaks in strings.
func repairJSON(body []byte) []byte {
	if json.Valid(body) {
		return body
	}
	r := repair{out: make([]byte, 0, len(body)), comma: -1}
	for _, c := range body {
		if len(r.out) > 2*len(body) { // that many line breaks are not an accident, and would take much memory
			return body
		}
		if r.inside {
			r.text(c)
		} else {
			r.sign(c)
		}
	}
	return r.out
}

// repair is a JSON text that is being repaired.
type repair struct {
	out     []byte
	inside  bool // a string
	escaped bool // a backslash precedes
	comma   int  // position of the last one in out, -1 once a value or the end has followed
	last    byte // that is not white space, outside strings
}

// text takes a byte of a string.
func (r *repair) text(c byte) {
	switch {
	case r.escaped:
		r.escaped = false
	case c == '\\':
		r.escaped = true
	case c == '"':
		r.inside = false
	case c < ' ':
		r.out = fmt.Appendf(r.out, `\u%04x`, c)
		return
	}
	r.out = append(r.out, c)
}

// sign takes a byte outside strings.
func (r *repair) sign(c byte) {
	switch c {
	case ' ', '\t', '\r', '\n':
	case ',':
		if r.comma = len(r.out); r.last == ',' {
			r.comma = -1 // two are not an accident
		}
		r.last = c
	case ']', '}':
		if r.comma >= 0 {
			r.out = slices.Delete(r.out, r.comma, r.comma+1)
		}
		r.comma, r.last = -1, c
	default:
		r.inside, r.comma, r.last = c == '"', -1, c
	}
	r.out = append(r.out, c)
}
