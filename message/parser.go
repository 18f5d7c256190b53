package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Parse reads message/send JSON into the request type of its msgtype, e.g. a [SendTextRequest]. It is strict:
// unknown members, members of another msgtype, wrong types and repeated members are a [*ValidationError] that
// names each by its path. Like WeCom, it accepts an integer written as a string of digits, an agentid written
// as a number, and null for an absent member. It does not call [Validate].
//
// A body that is not a JSON object, is not UTF-8 or is larger than [MaxBodyBytes] is a different error.
func Parse(data []byte) (Request, error) { return parse(data, decoder{}) }

// ParseLenient is [Parse] for bodies that WeCom accepts: it ignores unknown members and the contents of other
// msgtypes.
func ParseLenient(data []byte) (Request, error) { return parse(data, decoder{lenient: true}) }

func parse(data []byte, d decoder) (Request, error) {
	if err := checkObject(data); err != nil {
		return nil, fmt.Errorf("parse message: %w", err)
	}
	empty, err := blank(data)
	if err != nil {
		return nil, err
	}
	target := reflect.New(reflect.TypeOf(empty)).Elem()
	target.Set(reflect.ValueOf(empty))
	d.value(target, bytes.TrimSpace(data))
	if err := asError(d.found); err != nil {
		return nil, err
	}
	request, _ := reflect.TypeAssert[Request](target)
	return request, nil
}

// blank returns an empty request of the msgtype in data.
func blank(data []byte) (Request, error) {
	from, to := member(data, "msgtype")
	raw := data[from:to]
	problem, unknown, near := "missing", false, ""
	if len(raw) > 0 && raw[0] == '"' {
		name, _ := unquote(raw)
		if empty, known := prototype(Type(name)); known {
			return empty.with(new(SendRequestCommon)), nil
		}
		problem, unknown, near = quote(name)+" is not known", true, nearest(name, Types())
	} else if len(raw) > 0 {
		problem = "is " + kindOf(raw)
	} else if misspelt := Nearest("msgtype", namesOf(data)); misspelt != "" {
		problem += ", and there is " + quote(misspelt)
	}
	return nil, &ValidationError{Fields: []FieldError{
		{Field: "msgtype", Problem: fmt.Sprintf("%s; want one of %s%s", problem, Types(), didYouMean(near)), Unknown: unknown, Near: near},
	}}
}

// namesOf are the members of an object.
func namesOf(data []byte) []string {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(data, &object) // anything but an object has no members
	return slices.Collect(maps.Keys(object))
}

// checkObject requires one JSON object in UTF-8.
func checkObject(data []byte) error {
	if len(data) > MaxBodyBytes {
		return fmt.Errorf("the body has %d bytes, %d more than the limit of %d", len(data), len(data)-MaxBodyBytes, MaxBodyBytes)
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("the body is not UTF-8 from byte %d on", validPrefix(string(data)))
	}
	if !json.Valid(data) {
		return syntaxError(data)
	}
	if value := bytes.TrimSpace(data); value[0] != '{' {
		return fmt.Errorf("the body is %s, want an object", kindOf(value))
	}
	return nil
}

// syntaxError reports the position of the syntax error.
func syntaxError(data []byte) error {
	err := json.Unmarshal(data, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:syntax.Offset], []byte("\n"))
		return fmt.Errorf("the body is not JSON: line %d, byte %d: %w", line, syntax.Offset, err)
	}
	return err
}
