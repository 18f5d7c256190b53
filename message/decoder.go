package message

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// maxItems bounds the lists of a message, far above what WeCom accepts. Without it, 8 MB of "{}," would take
// a hundred times as much memory.
const maxItems = 100

// decoder reads valid JSON into this package's structs. encoding/json falls short in three ways: it does not
// report the path of an unknown member, silently accepts repeated members, and accepts no string for an int.
type decoder struct {
	lenient bool
	report  func(path string) // gets unknown members, in place of problems; nil for none
	items   int               // that a list may have; 0 for maxItems
	path    []byte            // of the value being read
	found   []FieldError
}

// value reads raw, one JSON value without surrounding blanks, into v.
func (d *decoder) value(v reflect.Value, raw []byte) {
	if string(raw) == "null" {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(v.Elem(), raw)
	case reflect.Struct:
		d.object(v, raw)
	case reflect.Slice:
		d.array(v, raw)
	case reflect.String:
		d.text(v, raw)
	case reflect.Int:
		d.integer(v, raw)
	case reflect.Float64:
		d.decimal(v, raw)
	default: // reflect.Bool: no struct of this package has other kinds
		d.boolean(v, raw)
	}
}

func (d *decoder) object(v reflect.Value, raw []byte) {
	if raw[0] != '{' {
		d.wrongType(raw, "an object")
		return
	}
	names := fieldsOf(v.Type())
	var seen uint64
	for m := range members(raw) {
		name, _ := unquote(raw[m.name:m.nameEnd])
		value := raw[m.value:m.valueEnd]
		outer := d.enter(name)
		switch f, known := names[name]; {
		case !known:
			d.unknown(v, name, value)
		case seen&f.bit != 0:
			d.problem("given twice")
		default:
			seen |= f.bit
			d.field(v, f, value)
		}
		d.path = d.path[:outer]
	}
}

// field reads a member. An agentid is a string here and a number to WeCom.
func (d *decoder) field(v reflect.Value, f field, raw []byte) {
	target := v.FieldByIndex(f.index)
	switch isNumber := raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'; {
	case !f.digits || !isNumber:
		d.value(target, raw)
	case isDigits(string(raw)):
		target.SetString(string(raw))
	default:
		d.wrongType(raw, "digits")
	}
}

func (d *decoder) unknown(v reflect.Value, name string, raw []byte) {
	if d.lenient {
		return
	}
	_, isType := prototype(Type(name))
	switch atTop := string(d.path) == name; {
	case d.report != nil && (!atTop || !isType):
		d.report(string(d.path))
	case d.report != nil:
	case len(d.found) == maxProblems: // one more would not be kept
	case !atTop || !isType:
		near := Nearest(name, slices.Collect(maps.Keys(fieldsOf(v.Type()))))
		d.problem("unknown field" + didYouMean(near))
		last := &d.found[len(d.found)-1]
		last.Unknown, last.Near = true, near
	case string(raw) != "null":
		d.problem("the content of another msgtype; remove it")
	}
}

func (d *decoder) array(v reflect.Value, raw []byte) {
	if raw[0] != '[' {
		d.wrongType(raw, "an array")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	most := cmp.Or(d.items, maxItems)
	for item := range items(raw) {
		if v.Len() == most {
			d.problem(fmt.Sprintf("more than %d items", most))
			return
		}
		outer := len(d.path)
		d.path = fmt.Appendf(d.path, "[%d]", v.Len())
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(element, item)
		v.Set(reflect.Append(v, element))
		d.path = d.path[:outer]
	}
}

func (d *decoder) text(v reflect.Value, raw []byte) {
	if raw[0] != '"' {
		d.wrongType(raw, "a string")
		return
	}
	s, whole := unquote(raw)
	if !whole {
		d.problem("holds half of a \\u surrogate pair; the text was cut inside a character")
	}
	v.SetString(s)
}

func (d *decoder) integer(v reflect.Value, raw []byte) {
	digits := string(bytes.Trim(raw, `"`))
	n, err := strconv.Atoi(digits)
	if err != nil || digits[0] == '+' {
		d.wrongType(raw, "a whole number")
		return
	}
	v.SetInt(int64(n))
}

func (d *decoder) decimal(v reflect.Value, raw []byte) {
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		d.wrongType(raw, "a number")
		return
	}
	v.SetFloat(x)
}

func (d *decoder) boolean(v reflect.Value, raw []byte) {
	if raw[0] != 't' && raw[0] != 'f' {
		d.wrongType(raw, "true or false")
		return
	}
	v.SetBool(raw[0] == 't')
}

// enter appends a member to the path and returns the length to cut the path back to.
func (d *decoder) enter(name string) (outer int) {
	outer = len(d.path)
	if outer > 0 {
		d.path = append(d.path, '.')
	}
	d.path = append(d.path, shorten(name)...)
	return outer
}

func (d *decoder) problem(text string) {
	checker{path: string(d.path), found: &d.found}.problem("", "%s", text)
}

func (d *decoder) wrongType(raw []byte, want string) {
	text := kindOf(raw)
	if raw[0] != '{' && raw[0] != '[' {
		text += " (" + shorten(string(raw)) + ")"
	}
	d.problem(text + ", want " + want)
}

// kindOf describes the kind of JSON value that raw begins.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// unquote decodes a JSON string. whole is false if the string has an unpaired surrogate, which encoding/json
// replaces by U+FFFD.
func unquote(quoted []byte) (s string, whole bool) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), true
	}
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", false
	}
	meant := bytes.Count(quoted, []byte("\uFFFD")) + bytes.Count(bytes.ToLower(quoted), []byte(`\ufffd`))
	return s, strings.Count(s, "\uFFFD") <= meant
}
