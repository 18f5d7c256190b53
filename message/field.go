package message

import (
	"reflect"
	"sync"
)

// field locates a member of a JSON object.
type field struct {
	index  []int
	bit    uint64 // its place in a set of fields
	digits bool   // a string that may come as a number
}

var fieldCache sync.Map // of map[string]field by reflect.Type

// fieldsOf returns the fields of one of this package's structs by JSON name, including those of the embedded
// [SendRequestCommon].
func fieldsOf(t reflect.Type) map[string]field {
	if cached, ok := fieldCache.Load(t); ok {
		names, _ := cached.(map[string]field)
		return names
	}
	names := make(map[string]field)
	for _, f := range reflect.VisibleFields(t) {
		if !f.Anonymous {
			name := nameOf(f)
			names[name] = field{index: f.Index, bit: 1 << len(names), digits: name == "agentid"}
		}
	}
	fieldCache.Store(t, names)
	return names
}
