package wecomtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"github.com/wecomq/wecomq/wecom"
)

// object is a JSON object read the way WeCom reads one: null is absent, unknown
// members are ignored, digits may stand in a string, and what has the wrong type
// is dropped with a warning in errmsg instead of an error.
type object struct {
	fields map[string]any
	wrong  *bool // shared by an object and everything inside it
}

// parseObject reads a request body. A body that breaks off or goes wrong
// somewhere keeps the members before that point: WeCom has been seen to answer
// "ok. Warning: wrong json format. " to such bodies. One that is no object at all
// is 40058, whose help text (page 90313) names invalid JSON first.
func parseObject(body []byte) (object, error) {
	o := object{fields: map[string]any{}, wrong: new(bool)}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&o.fields); err == nil {
		_, err = dec.Token()
		*o.wrong = !errors.Is(err, io.EOF) || o.fields == nil
		return o, nil
	}
	*o.wrong = true
	if len(bytes.TrimSpace(body)) == 0 {
		return o, nil
	}
	if !o.salvage(body) {
		return o, refuse(40058, "invalid json")
	}
	return o, nil
}

// salvage keeps the members in front of the fault, and reports whether the body
// starts like an object.
func (o *object) salvage(body []byte) bool {
	o.fields = map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return false
	}
	for dec.More() {
		key, err := dec.Token()
		name, isString := key.(string)
		var value any
		if err != nil || !isString || dec.Decode(&value) != nil {
			break
		}
		o.fields[name] = value
	}
	return true
}

func (o object) has(key string) bool { return o.fields[key] != nil }

// str returns a string member, or "" when there is none.
func (o object) str(key string) string {
	switch v := o.fields[key].(type) {
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

// num returns an integer member, written as a number or as a string of digits
// (both work in WeCom; Alertmanager sends strings). Without one it is 0, true.
func (o object) num(key string) (n int64, ok bool) {
	var text string
	switch v := o.fields[key].(type) {
	case nil:
		return 0, true
	case string:
		text = v
	case json.Number:
		text = v.String()
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

// float returns a number member. Without one it is 0, true.
func (o object) float(key string) (f float64, ok bool) {
	if !o.has(key) {
		return 0, true
	}
	number, _ := o.fields[key].(json.Number)
	f, err := number.Float64()
	return f, err == nil
}

// flag returns an integer member that only matters if it is valid.
func (o object) flag(key string) int64 {
	n, ok := o.num(key)
	if !ok {
		*o.wrong = true
	}
	return n
}

// obj returns an object member, empty when there is none.
func (o object) obj(key string) object {
	fields, ok := o.fields[key].(map[string]any)
	if !ok && o.has(key) {
		*o.wrong = true
	}
	return object{fields: fields, wrong: o.wrong}
}

// objs returns an array of objects; what is no object counts as an empty one.
func (o object) objs(key string) []object {
	list, ok := o.fields[key].([]any)
	if !ok && o.has(key) {
		*o.wrong = true
	}
	objects := make([]object, len(list))
	for i, item := range list {
		fields, ok := item.(map[string]any)
		if !ok {
			*o.wrong = true
		}
		objects[i] = object{fields: fields, wrong: o.wrong}
	}
	return objects
}

// strs returns an array of strings or numbers.
func (o object) strs(key string) []string {
	list, ok := o.fields[key].([]any)
	if !ok && o.has(key) {
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

// require returns the code unless every named member is a non-empty string.
func (o object) require(code wecom.Code, keys ...string) error {
	for _, key := range keys {
		if o.str(key) == "" {
			return code
		}
	}
	return nil
}
