package message

import (
	"bytes"
	"iter"
)

// The functions of this file scan JSON without decoding it. They expect valid JSON; for other input the
// result is undefined, but they neither panic nor loop.

// span is a member of a JSON object: where its name, with the quotes, and its
// value begin and end.
type span struct {
	name, nameEnd, value, valueEnd int
}

// members yields the members of the object in data.
func members(data []byte) iter.Seq[span] {
	return func(yield func(span) bool) {
		i := skip(data, 0)
		if i == len(data) || data[i] != '{' {
			return
		}
		for i = skip(data, i+1); i < len(data) && data[i] != '}'; {
			m := span{name: i, nameEnd: stringEnd(data, i)}
			m.value = skip(data, m.nameEnd)
			m.valueEnd = valueEnd(data, m.value)
			if !yield(m) {
				return
			}
			i = skip(data, m.valueEnd)
		}
	}
}

// items yields the items of the array in data.
func items(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := skip(data, 1); i < len(data) && data[i] != ']'; {
			end := valueEnd(data, i)
			if end == i || !yield(data[i:end]) {
				return
			}
			i = skip(data, end)
		}
	}
}

// member locates the value of the object's first member called name, which must need no escapes; from == to
// if there is none.
func member(data []byte, name string) (from, to int) {
	for m := range members(data) {
		quoted := data[m.name:m.nameEnd]
		if len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name {
			return m.value, m.valueEnd
		}
	}
	return 0, 0
}

// skip returns the position of the next character that is neither blank nor punctuation.
func skip(data []byte, i int) int {
	for i < len(data) && bytes.IndexByte([]byte(" \t\r\n,:"), data[i]) >= 0 {
		i++
	}
	return i
}

// stringEnd is the position after the string that opens at start.
func stringEnd(data []byte, start int) int {
	for i := start + 1; i < len(data); i++ {
		quote := bytes.IndexByte(data[i:], '"')
		if quote < 0 {
			break
		}
		i += quote
		before := data[start+1 : i]
		if escapes := len(before) - len(bytes.TrimRight(before, `\`)); escapes%2 == 0 {
			return i + 1
		}
	}
	return len(data)
}

// valueEnd is the position after the value that begins at start.
func valueEnd(data []byte, start int) int {
	depth := 0
	for i := start; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = stringEnd(data, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of a number, true, false or null
			}
			depth--
		case ' ', '\t', '\r', '\n', ',':
			if depth == 0 {
				return i
			}
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(data)
}
