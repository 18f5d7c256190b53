package tolerance

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of one body, so that a large one does not take a multiple of its size in memory. A message of the
// largest type has some 200 values, three levels deep.
const (
	maxValues = 4096
	maxDepth  = 64
)

// parser parses JSON as WeCom has been seen to: a trailing comma and raw line breaks in strings are tolerated,
// half a surrogate pair becomes U+FFFD, and any other error ends the parsing, with the values before it kept.
type parser struct {
	data   []byte
	at     int
	values int
	wrong  *bool // something was tolerated
}

func (p *parser) blank() {
	for p.at < len(p.data) && strings.IndexByte(" \t\r\n", p.data[p.at]) >= 0 {
		p.at++
	}
}

// take skips white space and then the byte, if it is next.
func (p *parser) take(b byte) bool {
	p.blank()
	if p.at < len(p.data) && p.data[p.at] == b {
		p.at++
		return true
	}
	return false
}

// object reads the members after an opening brace. It is false after an error; the members before it are kept.
func (p *parser) object(into *[]member, depth int) bool {
	for first := true; !p.take('}'); first = false {
		if !first && !p.take(',') {
			return false
		}
		if !first && p.take('}') {
			*p.wrong = true // a trailing comma
			return true
		}
		p.blank()
		name, ok := p.text()
		if !ok || !p.take(':') {
			return false
		}
		value, ok := p.value(depth)
		if !ok {
			return false
		}
		set(into, name, value)
	}
	return true
}

// set adds a member; of two with one name the last counts.
func set(into *[]member, name string, value any) {
	i := slices.IndexFunc(*into, func(m member) bool { return m.name == name })
	if i < 0 {
		*into = append(*into, member{name, value})
		return
	}
	(*into)[i].value = value
}

func (p *parser) array(depth int) ([]any, bool) {
	list := []any{}
	for !p.take(']') {
		if len(list) > 0 && !p.take(',') {
			return nil, false
		}
		if len(list) > 0 && p.take(']') {
			*p.wrong = true
			return list, true
		}
		value, ok := p.value(depth)
		if !ok {
			return nil, false
		}
		list = append(list, value)
	}
	return list, true
}

func (p *parser) value(depth int) (any, bool) {
	p.values++
	if depth == maxDepth || p.values > maxValues {
		return nil, false
	}
	p.blank()
	if p.at == len(p.data) {
		return nil, false
	}
	switch p.data[p.at] {
	case '{':
		p.at++
		members := &[]member{}
		ok := p.object(members, depth+1)
		return members, ok
	case '[':
		p.at++
		return p.array(depth + 1)
	case '"':
		return p.text()
	}
	return p.literal()
}

// literal reads a number, true, false or null.
func (p *parser) literal() (any, bool) {
	end := bytes.IndexAny(p.data[p.at:], " \t\r\n,:]}\"[{")
	if end < 0 {
		return nil, false
	}
	word := p.data[p.at : p.at+end]
	if !json.Valid(word) {
		return nil, false
	}
	p.at += end
	switch word[0] {
	case 't', 'f':
		return word[0] == 't', true
	case 'n':
		return nil, true
	}
	return json.Number(word), true
}

// text reads a string.
func (p *parser) text() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	var b strings.Builder
	for p.at < len(p.data) {
		switch c := p.data[p.at]; c {
		case '"':
			p.at++
			return b.String(), true
		case '\\':
			if !p.escape(&b) {
				return "", false
			}
		default:
			*p.wrong = *p.wrong || c < ' '
			b.WriteByte(c)
			p.at++
		}
	}
	return "", false
}

// escapes are the characters that may follow a backslash, except u.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *parser) escape(b *strings.Builder) bool {
	if p.at++; p.at == len(p.data) {
		return false
	}
	if plain, ok := escapes[p.data[p.at]]; ok {
		b.WriteByte(plain)
		p.at++
		return true
	}
	p.at--
	unit, ok := p.unit()
	if !ok {
		return false
	}
	if !utf16.IsSurrogate(unit) {
		b.WriteRune(unit)
		return true
	}
	before := p.at
	second, _ := p.unit()
	pair := utf16.DecodeRune(unit, second)
	if pair == utf8.RuneError {
		p.at = before // half a pair
	}
	b.WriteRune(pair)
	return true
}

// unit reads one \uXXXX.
func (p *parser) unit() (rune, bool) {
	const length = len(`\u0000`)
	if p.at+length > len(p.data) || !bytes.HasPrefix(p.data[p.at:], []byte(`\u`)) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.data[p.at+2:p.at+length]), 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += length
	return rune(n), true
}
