package message

import (
	"reflect"
	"sync"
)

// field is where a member of a JSON object goes.
type field struct {
	index  []int
	bit    uint64 // its place in a set of fields
	digits bool   // a string that may come as a number
}

var fieldCache sync.Map // of map[string]field by reflect.Type

// fieldsOf is the fields of one of this package's structs by JSON name, those of
// the embedded [SendRequestCommon] included.
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
