package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/internal/textfile"
)

// object is a JSON object, and elements a JSON array, as the texts of a [Mapping] see them. Numbers are of type
// int64 or float64; null is left out.
type (
	object   map[string]any
	elements []any
)

// String is the JSON of the object.
func (o object) String() string { return compact(map[string]any(o)) }

// String is the JSON of the array.
func (e elements) String() string { return compact([]any(e)) }

func compact(value any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

// documents are the documents of a body: the elements of an array, or the body itself.
func documents(body []byte) ([]any, error) {
	dec := json.NewDecoder(bytes.NewReader(repairJSON(textfile.TrimMark(body))))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, asSyntaxError(err)
	}
	if _, end := dec.Token(); end != io.EOF {
		return nil, &SyntaxError{"the body: something follows the JSON"}
	}
	value = tidied(value)
	list, isList := value.(elements)
	switch {
	case value == nil, isList && len(list) == 0:
		return nil, &InvalidError{"the body", "empty: it reports nothing"}
	case !isList:
		return []any{value}, nil
	case len(list) > maxDocuments:
		return nil, &InvalidError{"the body", fmt.Sprintf("%d elements, the limit is %d", len(list), maxDocuments)}
	}
	return list, nil
}

// maxDocuments is how many alerts one array may report.
const maxDocuments = 200

// tidied converts a decoded value to the types of this file.
func tidied(value any) any {
	switch v := value.(type) {
	case map[string]any:
		o := object(v)
		maps.DeleteFunc(o, func(_ string, member any) bool { return member == nil })
		for name, member := range o {
			o[name] = tidied(member)
		}
		return o
	case []any:
		for i, element := range v {
			v[i] = tidied(element)
		}
		return elements(v)
	case json.Number:
		return number(v)
	}
	return value
}

// number returns a comparable number, or its text if it is too large.
func number(n json.Number) any {
	if whole, err := n.Int64(); err == nil {
		return whole
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}

// textOf formats a value as a template does.
func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(value)
}

// numberOf converts a value to a number, if possible.
func numberOf(value any) (float64, bool) {
	f, err := strconv.ParseFloat(textOf(value), 64)
	return f, err == nil
}

// find looks up a value within another by a path of member names and element positions, which count from 0, or
// from the end if negative. It is nil if there is none.
func find(value any, path ...any) any {
	for _, step := range path {
		switch v := value.(type) {
		case object:
			value = v[textOf(step)]
		case elements:
			i, isNumber := numberOf(step)
			if i < 0 {
				i += float64(len(v))
			}
			if !isNumber || i < 0 || int(i) >= len(v) {
				return nil
			}
			value = v[int(i)]
		default:
			return nil
		}
	}
	return value
}

// length is how many members, elements or bytes a value has.
func length(value any) int {
	switch v := value.(type) {
	case object:
		return len(v)
	case elements:
		return len(v)
	case string:
		return len(v)
	}
	return 0
}

// maxShownMembers is how many members of a document are kept if no template selects some; messages show fewer.
const maxShownMembers = 256

// titles are the names of members that usually summarise a document, the best first.
var titles = []string{"summary", "title", "subject", "message", "msg", "text", "content", "name"}

// membersOf lists the texts and numbers of a document by their path. The first of titles becomes the summary. It
// also returns how many are left out.
func membersOf(document any) (annotations map[string]string, omitted int) {
	w := walk{found: map[string]string{}}
	w.into("", document)
	for _, title := range titles {
		if text := w.found[title]; text != "" {
			delete(w.found, title)
			w.found["summary"] = text
			break
		}
	}
	return w.found, w.omitted
}

// walk lists the members of a document.
type walk struct {
	found   map[string]string
	omitted int
}

func (w *walk) into(path string, value any) {
	switch v := value.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			w.into(strings.TrimPrefix(path+"."+name, "."), v[name])
		}
	case elements:
		for i, element := range v {
			w.into(path+"["+strconv.Itoa(i)+"]", element)
		}
	default:
		if path == "" {
			path = "text"
		}
		if len(w.found) == maxShownMembers {
			w.omitted++
			return
		}
		w.found[path] = textOf(value)
	}
}
