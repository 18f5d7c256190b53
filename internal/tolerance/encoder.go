package tolerance

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// JSON is the object as it was read, without white space: its members in their order, numbers as they were
// written, and text unescaped as far as JSON allows.
func (o Object) JSON() []byte {
	if o.members == nil {
		return []byte("{}")
	}
	return appendObject(nil, *o.members)
}

// Without is a copy without some members, and without those that are null.
func (o Object) Without(drop func(name string) bool) Object {
	kept := []member{}
	for _, m := range *o.members {
		if m.value != nil && !drop(m.name) {
			kept = append(kept, m)
		}
	}
	return Object{members: &kept, wrong: o.wrong}
}

func appendObject(b []byte, members []member) []byte {
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, m.name), ':')
		b = appendValue(b, m.value)
	}
	return append(b, '}')
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendText(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case *[]member:
		return appendObject(b, *v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, item)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}

// appendText escapes only what JSON requires: WeCom has an errcode (40033) for other \u escapes.
func appendText(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ':
			b = append(b, `\u00`...)
			b = append(b, hex[r>>4], hex[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
