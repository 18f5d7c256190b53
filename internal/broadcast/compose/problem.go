package compose

import (
	"fmt"
	"strings"
)

// maxExamples is how many problems and duplicates are reported: of 10,000, the first few are enough.
const maxExamples = 20

// Problem is a problem with one row of a list.
type Problem struct {
	// Line counts from 1; a row with line breaks is numbered by its first line. 0 is the list as a whole.
	Line int `json:"line"`
	// Column is the name of the column, its number in a list without a header, "" for
	// the whole row.
	Column string `json:"column"`
	// Reason names the limit, the size and what to do.
	Reason string `json:"reason"`
}

func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return p.Reason
	case p.Column == "":
		return fmt.Sprintf("line %d: %s", p.Line, p.Reason)
	default:
		return fmt.Sprintf("line %d, column %q: %s", p.Line, p.Column, p.Reason)
	}
}

// ListError is a list that cannot be used.
type ListError struct {
	Invalid  int       // rows with a problem; 0 when the list as a whole has one
	Problems []Problem // the first of each row, of at most 20 rows
}

// Error has the first problem and the number of rows with one.
func (e *ListError) Error() string {
	var b strings.Builder
	b.WriteString("list: ")
	b.WriteString(e.Problems[0].String())
	if e.Invalid > 1 {
		fmt.Fprintf(&b, " (and %d more rows with a problem)", e.Invalid-1)
	}
	return b.String()
}

// fatal is a problem that stops the reading of the list.
func fatal(line int, column, reason string) error {
	return &ListError{Problems: []Problem{{line, shorten(column), reason}}}
}

// shorten shortens names from the input.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
