package lookup

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// ErrCursor is returned for a text that is not a cursor.
var ErrCursor = errors.New("not a cursor that an answer has given")

// MaxCursor bounds the text of a cursor, in bytes.
const MaxCursor = 256

// Cursor is a place in a list of messages, after the listed ones; the zero Cursor is before all. A list first
// has the messages without an attempt, app by app in the order of the queues, and then the records of all apps.
type Cursor struct {
	tried  bool
	behind ledger.Place // among the records

	app    string // whose queues are being read
	source int    // which of its sources
	offset int    // how many of the source's tasks were read
}

// String is the cursor's text for clients, "" for the zero Cursor.
func (c Cursor) String() string {
	var text string
	switch {
	case c == Cursor{}:
		return ""
	case c.tried:
		text = fmt.Sprintf("r %d %s", c.behind.At, c.behind.ID)
	default:
		text = fmt.Sprintf("q %s %d %d", c.app, c.source, c.offset)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// ParseCursor parses the result of String.
func ParseCursor(text string) (Cursor, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(text) > MaxCursor {
		return Cursor{}, ErrCursor
	}
	var c Cursor
	switch kind, rest, _ := strings.Cut(string(decoded), " "); kind {
	case "":
	case "r":
		c, err = parseTried(rest)
	case "q":
		c, err = parseUntried(rest)
	default:
		err = ErrCursor
	}
	if err != nil || c.String() != text { // only the form that String writes
		return Cursor{}, ErrCursor
	}
	return c, nil
}

func parseTried(text string) (Cursor, error) {
	moment, id, _ := strings.Cut(text, " ")
	at, err := strconv.ParseInt(moment, 10, 64)
	return Cursor{tried: true, behind: ledger.Place{At: at, ID: id}}, err
}

func parseUntried(text string) (Cursor, error) {
	app, rest, _ := strings.Cut(text, " ")
	number, count, _ := strings.Cut(rest, " ")
	source, err := strconv.Atoi(number)
	if err != nil || source < 0 || source > len(sources) {
		return Cursor{}, ErrCursor
	}
	offset, err := strconv.ParseUint(count, 10, 31)
	if err != nil {
		return Cursor{}, err
	}
	return Cursor{app: app, source: source, offset: int(offset)}, tasks.ValidateApp(app)
}
