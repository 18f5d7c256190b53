package broadcast

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/harmless"
)

// Columns are the columns of a CSV report.
func Columns() []string { return []string{"recipient", "state", "errcode", "errmsg", "msgid", "at"} }

// byteOrderMark makes Excel read a CSV file as UTF-8.
const byteOrderMark = "\uFEFF"

// WriteCSV writes a report as CSV in UTF-8 with a header, row by row; bom prepends a byte order mark, which
// Excel needs. A text that a spreadsheet would take for a formula is prefixed with '. It stops at the first
// error of the rows or the writer.
func WriteCSV(w io.Writer, rows iter.Seq2[Row, error], bom bool) error {
	out := csv.NewWriter(w)
	if bom {
		if _, err := io.WriteString(w, byteOrderMark); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if err := out.Write(Columns()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	for row, err := range rows {
		if err != nil {
			out.Flush() // the rows before the error are valid
			return err
		}
		if err := out.Write(row.cells()); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// cells are the row as CSV. Without an outcome, time and errcode are empty.
func (r Row) cells() []string {
	at, code := "", ""
	if !r.At.IsZero() {
		at, code = r.At.UTC().Format(time.RFC3339), strconv.FormatInt(r.ErrCode, 10)
	}
	return []string{harmless.Cell(r.Recipient), harmless.Cell(r.State), code, harmless.Cell(r.ErrMsg), harmless.Cell(r.MsgID), at}
}

// WriteNDJSON writes a report as one JSON object per line. Errors are as in [WriteCSV].
func WriteNDJSON(w io.Writer, rows iter.Seq2[Row, error]) error {
	buffered := bufio.NewWriter(w)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	for row, err := range rows {
		if err != nil {
			_ = buffered.Flush() // the rows before the error are valid
			return err
		}
		if err := out.Encode(row); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Selection selects rows of a report. The zero value selects all.
type Selection struct {
	State     string
	ErrCode   int64  // 0 for any
	Recipient string // in any case
	MsgID     string
}

// Of returns the selected rows.
func (s Selection) Of(rows iter.Seq2[Row, error]) iter.Seq2[Row, error] {
	if s == (Selection{}) {
		return rows
	}
	return func(yield func(Row, error) bool) {
		for row, err := range rows {
			if (err != nil || s.has(row)) && !yield(row, err) {
				return
			}
		}
	}
}

func (s Selection) has(row Row) bool {
	return (s.State == "" || s.State == row.State) &&
		(s.ErrCode == 0 || s.ErrCode == row.ErrCode) &&
		(s.MsgID == "" || s.MsgID == row.MsgID) &&
		(s.Recipient == "" || strings.EqualFold(s.Recipient, row.Recipient))
}
