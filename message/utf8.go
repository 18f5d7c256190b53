package message

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// notUTF8 is the problem of invalid strings: Go would replace the invalid bytes by U+FFFD, and recipients
// would get a garbled text.
const notUTF8 = "not UTF-8 from byte %d on; convert the text before sending it"

func (c checker) checkUTF8(v reflect.Value) {
	if field, at := invalidUTF8(v); field != "" {
		c.problem(field, notUTF8, at)
	}
}

// invalidUTF8 finds a string below v that is not UTF-8: its JSON path, and the position of the first invalid
// byte. The path is "" if all strings are valid.
func invalidUTF8(v reflect.Value) (field string, at int) {
	path, at := invalidBelow(v)
	return strings.TrimPrefix(path, "."), at
}

// invalidBelow builds the path while it returns, so that valid strings, the normal case, cost nothing.
func invalidBelow(v reflect.Value) (path string, at int) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); !utf8.ValidString(s) {
			return ".", validPrefix(s)
		}
	case reflect.Pointer, reflect.Interface:
		return invalidBelow(v.Elem())
	case reflect.Slice, reflect.Array:
		return invalidItem(v)
	case reflect.Map:
		return invalidValue(v)
	case reflect.Struct:
		return invalidField(v)
	default: // numbers and booleans hold no text, nor does a nil pointer
	}
	return "", 0
}

func invalidItem(v reflect.Value) (path string, at int) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return "", 0 // base64, or the caller's own JSON
	}
	for i := range v.Len() {
		if path, at := invalidBelow(v.Index(i)); path != "" {
			return fmt.Sprintf("[%d]%s", i, strings.TrimSuffix(path, ".")), at
		}
	}
	return "", 0
}

func invalidValue(v reflect.Value) (path string, at int) {
	for members := v.MapRange(); members.Next(); {
		if path, at := invalidBelow(members.Value()); path != "" {
			return "." + fmt.Sprint(members.Key()) + strings.TrimSuffix(path, "."), at
		}
	}
	return "", 0
}

func invalidField(v reflect.Value) (path string, at int) {
	for i := range v.NumField() {
		path, at := invalidBelow(v.Field(i))
		if path == "" {
			continue
		}
		field := v.Type().Field(i)
		if field.Anonymous {
			return path, at // its members are part of the same JSON object
		}
		return "." + nameOf(field) + strings.TrimSuffix(path, "."), at
	}
	return "", 0
}

// nameOf is the field's name in JSON.
func nameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" {
		return field.Name
	}
	return name
}

func validPrefix(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return len(s)
}
