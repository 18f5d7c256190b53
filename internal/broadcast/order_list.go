package broadcast

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

// orderedList is a list as CSV.
type orderedList struct {
	io.Reader

	// lines are the positions of the recipients in a JSON list; nil for a CSV list.
	lines []int
}

// readRecipients converts a JSON list, ["anna"] or [{"userid":"anna","name":"Anna"}], to CSV.
func readRecipients(text json.RawMessage) (*orderedList, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, wrong("recipients", "is not a list of userids, or of objects with a userid")
	}
	if len(items) == 0 {
		return nil, wrong("recipients", "empty; add a userid")
	}
	first, err := readRecipient(0, items[0])
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(first))
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(names) // writing to a buffer cannot fail
	list := &orderedList{Reader: &out}
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

// userid is the name of the recipient column.
const userid = "userid"

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
		return map[string]any{userid: v}, nil
	case map[string]any:
		if _, ok := v[userid]; ok {
			return v, nil
		}
	}
	return nil, wrong(fmt.Sprintf("recipients[%d]", i), "is neither a userid nor an object with one")
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
			return nil, wrong(at, "has no %q, unlike the first one", name)
		default:
			return nil, wrong(at+"."+name, "is neither a text nor a number")
		}
	}
	if strings.TrimSpace(strings.Join(cells, "")) == "" {
		return nil, wrong(at, "is empty") // a blank line of CSV is passed by
	}
	if len(columns) > len(names) {
		return nil, wrong(at, "has %d members, but the first one %d: all must have the same", len(columns), len(names))
	}
	return cells, nil
}

// explain numbers problems as the sender counts: in a JSON list by recipient, from 1.
func (l *orderedList) explain(problems []compose.Problem, duplicates []compose.Duplicate) {
	for i := range problems {
		l.renumber(&problems[i].Line)
	}
	for i := range duplicates {
		l.renumber(&duplicates[i].Line)
		l.renumber(&duplicates[i].FirstLine)
	}
}

func (l *orderedList) renumber(line *int) {
	if at, found := slices.BinarySearch(l.lines, *line); found {
		*line = at + 1
	}
}
