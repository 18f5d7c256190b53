// Package textfile takes off what editors, and Windows, put around the text of a file.
package textfile

import (
	"bytes"
	"strings"
)

const mark = "\ufeff"

// TrimMark cuts off the byte order mark that Windows puts at the beginning of a file.
func TrimMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte(mark)) }

// Value is the single value that a text holds, such as a password: without a byte order mark, and
// without the blanks and line breaks around it.
func Value(text string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), mark))
}
