package compose

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// UserColumn is the name of the recipient column, in any case. Without it, the first column is used.
const UserColumn = "userid"

// table reads the rows of a UTF-8 list.
type table struct {
	csv    *csv.Reader
	gate   *gate
	header bool
	names  []string // of the columns; without a header, their numbers
	user   int      // the column of the recipient
	first  []string // the first row of a list without a header, until it is read
	line   int      // of the current row
}

// openTable reads the header, if there is one. named requires columns to have names.
func openTable(list io.Reader, header Header, named bool) (*table, error) {
	buffered := bufio.NewReaderSize(list, guessBytes)
	start, err := buffered.Peek(guessBytes)
	if err != nil && !ended(err) {
		return nil, fmt.Errorf("read list: %w", err)
	}
	if bytes.HasPrefix(start, []byte("\uFEFF")) {
		_, _ = buffered.Discard(len("\uFEFF")) // a byte order mark, already peeked at
		start = start[len("\uFEFF"):]
	}
	if end := bytes.IndexByte(start, '\r'); end >= 0 && end < len(start)-1 && bytes.IndexByte(start, '\n') < 0 {
		return nil, fatal(1, "", "its lines end in CR alone, as those of old Macs; save it as CSV UTF-8")
	}
	t := &table{gate: &gate{from: buffered, all: MaxListBytes}}
	t.csv = csv.NewReader(t.gate)
	t.csv.Comma = delimiter(start)
	t.csv.FieldsPerRecord = -1
	t.csv.ReuseRecord = true
	if err := t.open(header, named); err != nil {
		return nil, err
	}
	return t, nil
}

// delimiter is the separator of the first row: a comma, or a tab (Excel's "Unicode text") or a semicolon
// (Excel in some countries).
func delimiter(start []byte) rune {
	row, _, _ := bytes.Cut(start, []byte("\n"))
	quoted := false
	found := map[byte]bool{}
	for _, b := range row {
		if b == '"' {
			quoted = !quoted
		}
		if !quoted {
			found[b] = true
		}
	}
	for _, candidate := range []byte{',', '\t', ';'} {
		if found[candidate] {
			return rune(candidate)
		}
	}
	return ','
}

func (t *table) open(header Header, named bool) error {
	cells, err := t.read()
	switch problem, bad := errors.AsType[*rowError](err); {
	case bad:
		return &ListError{Problems: []Problem{problem.Problem}}
	case ended(err):
		return fatal(0, "", "it is empty")
	case err != nil:
		return err
	case len(cells) > MaxColumns:
		return fatal(t.line, "", fmt.Sprintf("%d columns, %d more than the limit of %d", len(cells), len(cells)-MaxColumns, MaxColumns))
	}
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = strings.TrimSpace(cell)
	}
	users := positions(names, func(name string) bool { return strings.EqualFold(name, UserColumn) })
	t.header = isHeader(header, names[0], len(users) > 0, named)
	if !t.header {
		t.first = slices.Clone(cells)
		t.number(len(names))
		return nil
	}
	t.names = names
	if len(users) > 1 {
		return fatal(t.line, names[users[1]], "there are two columns with this name")
	}
	if len(users) == 1 {
		t.user = users[0]
	}
	return nil
}

// headings are common names of the recipient column, besides [UserColumn]. Any other first cell that cannot
// be a userid is a problem: it might be a misspelt recipient, who must not be dropped.
var headings = map[string]bool{
	"user id": true, "user_id": true, "account id": true, "工号": true, "员工号": true, "员工编号": true,
	"账号": true, "帐号": true, "成员账号": true, "成员帐号": true, "用户": true, "用户id": true, "用户名": true,
}

// isHeader decides whether a row that begins with cell is a header, unless that is given.
func isHeader(given Header, cell string, hasUser, named bool) bool {
	switch given {
	case HeaderYes:
		return true
	case HeaderNo:
		return false
	default:
		return hasUser || named || headings[strings.ToLower(cell)]
	}
}

func (t *table) number(columns int) {
	for i := range columns {
		t.names = append(t.names, strconv.Itoa(i+1))
	}
}

func positions(names []string, match func(string) bool) []int {
	var found []int
	for i, name := range names {
		if match(name) {
			found = append(found, i)
		}
	}
	return found
}

// find locates columns. Each must exist exactly once.
func (t *table) find(columns []string) ([]int, error) {
	places := make([]int, len(columns))
	for i, column := range columns {
		found := positions(t.names, func(name string) bool { return name == column })
		switch len(found) {
		case 0:
			return nil, fatal(t.line, column, "the template uses it, but the list does not have it; there are "+t.shownNames())
		case 1:
			places[i] = found[0]
		default:
			return nil, fatal(t.line, column, "the template uses it, but there are two columns with this name")
		}
	}
	return places, nil
}

// shownNames lists the first columns.
func (t *table) shownNames() string {
	var shown []string
	for _, name := range t.names[:min(len(t.names), maxExamples)] {
		shown = append(shown, shorten(name))
	}
	if len(shown) < len(t.names) {
		shown = append(shown, "…")
	}
	return strings.Join(shown, ", ")
}

// next is the next row that is not blank, valid until the following call. The error is [io.EOF] at the end, a
// *rowError if reading can continue, or any other error if it cannot.
func (t *table) next() ([]string, error) {
	if cells := t.first; cells != nil {
		t.first = nil
		return cells, nil
	}
	cells, err := t.read()
	if err == nil && t.header && len(cells) > len(t.names) && !blank(cells[len(t.names):]) {
		return nil, t.problem("", fmt.Sprintf("%d cells, but the header has %d; quote texts that contain the separator", len(cells), len(t.names)))
	}
	return cells, err
}

// read is the next row of the file that is not blank.
func (t *table) read() ([]string, error) {
	for {
		t.gate.nextRow()
		cells, err := t.csv.Read()
		if err != nil {
			return nil, t.explain(err)
		}
		if t.line, _ = t.csv.FieldPos(0); !blank(cells) {
			return cells, nil
		}
	}
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// explain describes a parser error for authors of lists.
func (t *table) explain(err error) error {
	syntax, isSyntax := errors.AsType[*csv.ParseError](err)
	switch {
	case errors.Is(t.gate.refused, errRowTooLong):
		return fatal(t.line+1, "", fmt.Sprintf("the row that begins here or below has more than %d bytes; is a quote not closed?", MaxRowBytes))
	case errors.Is(t.gate.refused, errListTooLong):
		return fatal(t.line, "", fmt.Sprintf("the list has more than %d bytes; split it", int64(MaxListBytes)))
	case !isSyntax && !ended(err):
		return fmt.Errorf("read list: %w", err)
	case !isSyntax:
		return err
	}
	t.line = syntax.StartLine
	if errors.Is(syntax.Err, csv.ErrBareQuote) {
		return t.problem("", fmt.Sprintf(`there is a " at byte %d in a cell without quotes; put the cell in quotes and double each " in it`, syntax.Column))
	}
	return t.problem("", fmt.Sprintf(`a cell in quotes does not end, or goes on after its end, at byte %d of line %d; double each " in a cell, and close it with one`,
		syntax.Column, syntax.Line))
}

// rowError is a problem with a row after which reading can continue.
type rowError struct{ Problem }

func (e *rowError) Error() string { return e.String() }

func (t *table) problem(column, reason string) error {
	return &rowError{Problem{t.line, shorten(column), reason}}
}
