package compose

import (
	"bufio"
	"errors"
	"io"
)

// Limits of a list. They are ours, and bound memory and disk for any input.
const (
	// MaxListBytes is the maximum size of a list, as UTF-8.
	MaxListBytes = 4 << 30
	// MaxRowBytes is the maximum size of a row.
	MaxRowBytes = 256 << 10
	// MaxColumns is the maximum number of columns.
	MaxColumns = 256
	// MaxRecipients is the maximum number of rows.
	MaxRecipients = 10_000_000
)

var (
	errRowTooLong  = errors.New("the row is too long")
	errListTooLong = errors.New("the list is too long")
)

// gate limits the input of the CSV parser, which would otherwise buffer everything after an unclosed quote:
// it passes the bytes that one row may have, until the next row begins.
type gate struct {
	from     *bufio.Reader
	row, all int64 // bytes that may still pass
	refused  error // the limit that was reached
}

func (g *gate) nextRow() { g.row = MaxRowBytes }

func (g *gate) Read(p []byte) (int, error) {
	switch {
	case g.all <= 0:
		g.refused = errListTooLong
	case g.row <= 0:
		g.refused = errRowTooLong
	default:
		n, err := g.from.Read(p)
		g.row -= int64(n)
		g.all -= int64(n)
		return n, err
	}
	return 0, g.refused
}

// ended reports the end of a list. A wrapped EOF is not the end but a broken connection: the rest of the list
// would be lost.
func ended(err error) bool { return err == io.EOF } //nolint:errorlint // see above
