package tolerance

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/wecom"
)

// Object is a JSON object read as WeCom reads it: null means absent, unknown members are ignored, numbers may be
// strings, and a value of the wrong type is dropped with a warning in errmsg instead of an error. Its members
// keep their order.
type Object struct {
	members *[]member
	wrong   *bool // shared by an object and everything inside it
}

// member has a string, a [json.Number], a bool, nil for null, a []any or, for an object,
// a *[]member.
type member struct {
	name  string
	value any
}

// New is an empty object.
func New() Object { return Object{members: &[]member{}, wrong: new(bool)} }

// Parse parses a request body. Of a body that is cut off or becomes invalid, the members before that point are
// kept: WeCom has been seen to answer "ok. Warning: wrong json format. " to such bodies. A body that is not an
// object is 40058, whose help text (90313) names invalid JSON first. A leading byte order mark is skipped.
func Parse(body []byte) (Object, error) {
	o := New()
	body = textfile.TrimMark(body)
	switch text := bytes.TrimSpace(body); {
	case len(text) == 0, string(text) == "null":
		*o.wrong = true
		return o, nil
	case !utf8.Valid(body):
		return o, refuse("invalid json: the body is not UTF-8")
	}
	p := &parser{data: body, wrong: o.wrong}
	if !p.take('{') {
		*o.wrong = true
		return o, refuse("invalid json")
	}
	whole := p.object(o.members, 0)
	if p.values > maxValues {
		return o, refuse("invalid json: over %d values", maxValues)
	}
	p.blank()
	*o.wrong = *o.wrong || !whole || p.at < len(body)
	return o, nil
}

// Wrong reports whether WeCom would warn of a "wrong json format": something in the body was tolerated, or a
// member that was read has another type.
func (o Object) Wrong() bool { return o.wrong != nil && *o.wrong }

func (o Object) get(key string) any {
	if o.members == nil {
		return nil
	}
	i := slices.IndexFunc(*o.members, func(m member) bool { return m.name == key })
	if i < 0 {
		return nil
	}
	return (*o.members)[i].value
}

// Set replaces a member, or adds it at the end.
func (o Object) Set(key, text string) { set(o.members, key, text) }

// Names are the names of its members, in order.
func (o Object) Names() []string {
	var names []string
	if o.members == nil {
		return nil
	}
	for _, m := range *o.members {
		names = append(names, m.name)
	}
	return names
}

// Is reports whether a member is true.
func (o Object) Is(key string) bool { return o.get(key) == true }

// Has reports whether there is such a member, and it is not null.
func (o Object) Has(key string) bool { return o.get(key) != nil }

// Str returns a string member, or "" when there is none.
func (o Object) Str(key string) string {
	switch v := o.get(key).(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		*o.wrong = true
		return v.String()
	default:
		*o.wrong = true
		return ""
	}
}

// Num returns an integer member, written as a number or as a string of digits
// (both work in WeCom; Alertmanager sends strings). Without one it is 0, true.
func (o Object) Num(key string) (n int64, ok bool) {
	var text string
	switch v := o.get(key).(type) {
	case nil:
		return 0, true
	case string:
		text = strings.TrimSpace(v)
	case json.Number:
		whole, point := strings.CutSuffix(v.String(), ".0") // from languages whose numbers are all floats
		text, *o.wrong = whole, *o.wrong || point
	case bool:
		*o.wrong = true
		if v {
			return 1, true
		}
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Float returns a number member. If it is missing, the result is 0, true.
func (o Object) Float(key string) (f float64, ok bool) {
	if !o.Has(key) {
		return 0, true
	}
	number, _ := o.get(key).(json.Number)
	f, err := number.Float64()
	return f, err == nil
}

// Flag returns an integer member that is ignored if it is invalid.
func (o Object) Flag(key string) int64 {
	n, ok := o.Num(key)
	if !ok {
		*o.wrong = true
	}
	return n
}

// Obj returns an object member, empty when there is none.
func (o Object) Obj(key string) Object {
	fields, ok := o.get(key).(*[]member)
	if !ok && o.Has(key) {
		*o.wrong = true
	}
	return Object{members: fields, wrong: o.wrong}
}

// Objs returns an array of objects; an element that is not an object counts as an empty one.
func (o Object) Objs(key string) []Object {
	list, ok := o.get(key).([]any)
	if !ok && o.Has(key) {
		*o.wrong = true
	}
	objects := make([]Object, len(list))
	for i, item := range list {
		fields, ok := item.(*[]member)
		if !ok {
			*o.wrong = true
		}
		objects[i] = Object{members: fields, wrong: o.wrong}
	}
	return objects
}

// Strs returns an array of strings or numbers.
func (o Object) Strs(key string) []string {
	list, ok := o.get(key).([]any)
	if !ok && o.Has(key) {
		*o.wrong = true
	}
	var texts []string
	for _, item := range list {
		switch v := item.(type) {
		case string:
			texts = append(texts, v)
		case json.Number:
			texts = append(texts, v.String())
		default:
			*o.wrong = true
		}
	}
	return texts
}

// Require returns the code unless every named member is a non-empty string.
func (o Object) Require(code wecom.Code, keys ...string) error {
	for _, key := range keys {
		if o.Str(key) == "" {
			return code
		}
	}
	return nil
}

// Mentions reports whether a text is part of any string of the object.
func (o Object) Mentions(text string) bool { return o.members != nil && mentions(o.members, text) }

func mentions(value any, text string) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, text)
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return mentions(item, text) })
	case *[]member:
		return slices.ContainsFunc(*v, func(m member) bool { return mentions(m.value, text) })
	}
	return false
}
