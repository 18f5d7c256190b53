package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unicode/utf8"
)

// Encode writes the JSON that is posted to WeCom. Equal requests give equal bytes: members follow the order
// of the struct's fields, maps are sorted. The characters <, > and & are not escaped. The msgtype is filled
// in, and an agentid of digits is a number. The request is not validated, but it is an error if it is nil,
// contradicts its type or has a string that is not UTF-8.
//
// Any value that marshals to a JSON object is accepted, including [json.RawMessage].
func Encode(request any) ([]byte, error) {
	if typed, ok := asRequest(request); ok {
		return encodeRequest(typed)
	}
	if isNil(request) {
		return nil, errors.New("message: the request is nil")
	}
	body, err := marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return numberAgentID(body), nil
}

// encodeRequest writes the common members first, then the others.
func encodeRequest(request Request) ([]byte, error) {
	common, err := wire(request)
	if err != nil {
		return nil, err
	}
	head, err := marshal(common)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	rest, err := marshal(request.with(nil))
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return join(numberAgentID(head), rest), nil
}

// join concatenates two compact JSON objects into one. The first must have members.
func join(head, rest []byte) []byte {
	if len(rest) == len("{}") {
		return head
	}
	return append(append(head[:len(head)-1], ','), rest[1:]...)
}

// jsonEncoder is a JSON encoder together with its buffer.
type jsonEncoder struct {
	buffer bytes.Buffer
	*json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(jsonEncoder)
	e.Encoder = json.NewEncoder(&e.buffer)
	e.SetEscapeHTML(false)
	return e
}}

func marshal(v any) ([]byte, error) {
	e, _ := encoders.Get().(*jsonEncoder)
	defer e.release()
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	body := bytes.TrimRight(e.buffer.Bytes(), "\n")
	if len(body) == 0 || body[0] != '{' {
		return nil, fmt.Errorf("%T does not marshal to a JSON object", v)
	}
	if !utf8.Valid(body) {
		return nil, errors.New("the JSON is not UTF-8") // only possible with a json.RawMessage
	}
	plain, replaced := unescape(body)
	if replaced {
		if field, at := invalidUTF8(reflect.ValueOf(v)); field != "" {
			return nil, &ValidationError{Fields: []FieldError{{Field: field, Problem: fmt.Sprintf(notUTF8, at)}}}
		}
	}
	return plain, nil
}

// release returns the encoder to the pool, unless its buffer has grown beyond what
// messages usually need.
func (e *jsonEncoder) release() {
	if e.buffer.Cap() <= 64<<10 {
		e.buffer.Reset()
		encoders.Put(e)
	}
}

// unescape returns a copy of body with U+2028 and U+2029 unescaped. Go escapes them for old JavaScript
// engines, but WeCom has an errcode (40033) for \u escapes. replaced reports a \ufffd, which Go writes for
// bytes that are not UTF-8.
func unescape(body []byte) (plain []byte, replaced bool) {
	if !bytes.Contains(body, []byte(`\u`)) {
		return bytes.Clone(body), false
	}
	plain = make([]byte, 0, len(body))
	for i := 0; i < len(body); {
		width := 1
		if body[i] == '\\' {
			width = 2
		}
		if width == 2 && body[i+1] == 'u' {
			width = 6
		}
		switch token := string(body[i : i+width]); token {
		case `\u2028`:
			plain = append(plain, "\u2028"...)
		case `\u2029`:
			plain = append(plain, "\u2029"...)
		default:
			replaced = replaced || token == `\ufffd`
			plain = append(plain, token...)
		}
		i += width
	}
	return plain, replaced
}
