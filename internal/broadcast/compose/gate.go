package compose

import (
	"bufio"
	"errors"
	"io"
)

// What a list may be. The limits are ours: they keep memory and disk bounded whatever
// comes in.
const (
	// MaxListBytes is how long a list may be, as UTF-8.
	MaxListBytes = 4 << 30
	// MaxRowBytes is how long one row may be.
	MaxRowBytes = 256 << 10
	// MaxColumns is how many columns a list may have.
	MaxColumns = 256
	// MaxRecipients is how many rows a list may have.
	MaxRecipients = 10_000_000
)

var (
	errRowTooLong  = errors.New("the row is too long")
	errListTooLong = errors.New("the list is too long")
)

// gate stands below the CSV parser, which would keep everything after a quote that is
// never closed: it lets through what one row may have, until the next row is begun.
type gate struct {
	from     *bufio.Reader
	row, all int64 // what may still pass
	refused  error // why nothing passes
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

// ended reports the end of a list. An EOF that somebody has wrapped is not one, but a
// connection that broke: whoever stands after it must not be forgotten.
func ended(err error) bool { return err == io.EOF } //nolint:errorlint // see above
