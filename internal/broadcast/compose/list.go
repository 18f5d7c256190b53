package compose

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/message"
)

// List is a list of recipients as CSV.
type List struct {
	io.Reader

	// lines are the positions of the recipients in a JSON list; nil for a CSV list.
	lines []int
}

// ListFromJSON converts the member recipients of a broadcast, ["anna"] or [{"userid":"anna","name":"Anna"}], to CSV
// with a header. An invalid recipient is a [*message.ValidationError].
func ListFromJSON(text json.RawMessage) (*List, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, invalidRecipients("recipients", "is not a list of userids, or of objects with a userid")
	}
	if len(items) == 0 {
		return nil, invalidRecipients("recipients", "empty; add a userid")
	}
	first, err := readRecipient(0, items[0])
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(first))
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(names) // writing to a buffer cannot fail
	list := &List{Reader: &out}
	line := 2
	for i, item := range items {
		cells, err := cellsOf(i, item, names)
		if err != nil {
			return nil, err
		}
		_ = w.Write(cells)
		list.lines = append(list.lines, line)
		line += 1 + strings.Count(strings.Join(cells, ""), "\n")
	}
	w.Flush()
	return list, nil
}

// readRecipient reads one item of the list.
func readRecipient(i int, item json.RawMessage) (map[string]any, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(item))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	switch v := value.(type) {
	case string:
		return map[string]any{UserColumn: v}, nil
	case map[string]any:
		if _, ok := v[UserColumn]; ok {
			return v, nil
		}
	}
	return nil, invalidRecipients(fmt.Sprintf("recipients[%d]", i), "is neither a userid nor an object with one")
}

// cellsOf returns the columns of a recipient, which must be those of the first one.
func cellsOf(i int, item json.RawMessage, names []string) ([]string, error) {
	columns, err := readRecipient(i, item)
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("recipients[%d]", i)
	cells := make([]string, 0, len(names))
	for _, name := range names {
		switch v := columns[name].(type) {
		case string:
			cells = append(cells, strings.ReplaceAll(v, "\r\n", "\n"))
		case json.Number:
			cells = append(cells, v.String())
		case nil:
			return nil, invalidRecipients(at, "has no %q, unlike the first one", name)
		default:
			return nil, invalidRecipients(at+"."+name, "is neither a text nor a number")
		}
	}
	if strings.TrimSpace(strings.Join(cells, "")) == "" {
		return nil, invalidRecipients(at, "is empty") // a blank line of CSV is passed by
	}
	if len(columns) > len(names) {
		return nil, invalidRecipients(at, "has %d members, but the first one %d: all must have the same", len(columns), len(names))
	}
	return cells, nil
}

// Number numbers problems as the sender counts: in a JSON list by recipient, from 1.
func (l *List) Number(problems []Problem, duplicates []Duplicate) {
	for i := range problems {
		l.renumber(&problems[i].Line)
	}
	for i := range duplicates {
		l.renumber(&duplicates[i].Line)
		l.renumber(&duplicates[i].FirstLine)
	}
}

func (l *List) renumber(line *int) {
	if at, found := slices.BinarySearch(l.lines, *line); found {
		*line = at + 1
	}
}

func invalidRecipients(field, format string, args ...any) error {
	return &message.ValidationError{Fields: []message.FieldError{{Field: field, Problem: fmt.Sprintf(format, args...)}}}
}
