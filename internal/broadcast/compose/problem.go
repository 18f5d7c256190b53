package compose

import (
	"fmt"
	"strings"
)

// maxExamples is how many problems and duplicates are told: whoever has 10,000 of them
// learns enough from the first.
const maxExamples = 20

// Problem is what is wrong with one row of a list.
type Problem struct {
	// Line counts from 1; a row with line breaks in it stands where it begins. 0 is the
	// list as a whole.
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

// ListError is a list that nothing can be sent to as it is.
type ListError struct {
	Invalid  int       // rows with a problem; 0 when the list as a whole has one
	Problems []Problem // the first of each row, of at most 20 rows
}

// Error is one line: the first problem, and how many rows have one.
func (e *ListError) Error() string {
	var b strings.Builder
	b.WriteString("list: ")
	b.WriteString(e.Problems[0].String())
	if e.Invalid > 1 {
		fmt.Fprintf(&b, " (and %d more rows with a problem)", e.Invalid-1)
	}
	return b.String()
}

// fatal is a problem that ends the reading of the list.
func fatal(line int, column, reason string) error {
	return &ListError{Problems: []Problem{{line, shorten(column), reason}}}
}

// shorten is for names that somebody else has given.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
