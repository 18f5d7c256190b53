package compose

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/wecomq/wecomq/message"
)

// place locates a string of a message.
type place struct {
	path   string
	target *string
}

// stringsOf returns a copy of the request whose content can be modified, and the strings of the content: not
// the recipients, agent and options.
func stringsOf(request message.Request) (message.Request, []place) {
	v := reflect.ValueOf(request)
	writable := reflect.New(v.Type())
	writable.Elem().Set(v)
	var found []place
	collect(writable.Elem(), "", &found)
	typed, _ := reflect.TypeAssert[message.Request](writable)
	return typed, found
}

func collect(v reflect.Value, path string, found *[]place) {
	switch v.Kind() {
	case reflect.String:
		target, _ := reflect.TypeAssert[*string](v.Addr().Convert(reflect.TypeFor[*string]()))
		*found = append(*found, place{path, target})
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), path, found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), fmt.Sprintf("%s[%d]", path, i), found)
		}
	case reflect.Struct:
		collectFields(v, path, found)
	default: // numbers and booleans have no text
	}
}

func collectFields(v reflect.Value, path string, found *[]place) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			continue // message.SendRequestCommon
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		collect(v.Field(i), strings.TrimPrefix(path+"."+name, "."), found)
	}
}
