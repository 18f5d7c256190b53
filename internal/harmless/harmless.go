// Package harmless makes what others have written harmless to whoever looks at it: on a
// terminal, in a log, on a page, in a digest, in a spreadsheet.
package harmless

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is a text without what would steer a terminal or turn the direction of writing:
// control characters but line breaks and tabs, and invisible ones but those that join
// others, as in emoji. What is not UTF-8 becomes U+FFFD.
func Text(s string) string { return strings.Map(visible, s) }

// Line is such a text in one line: what would break or steer it becomes a blank.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return visible(r)
	}, s)
}

// Cell is such a text for a cell of a CSV: what a spreadsheet would take for a formula gets
// an apostrophe. Some take the full-width forms for the others.
func Cell(s string) string {
	s = Text(s)
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@＝＋－＠\t\n", first) {
		return "'" + s
	}
	return s
}

// visible is the rune, or -1 for one that is not to be shown.
func visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case ' ' <= r && r <= '~': // nearly all
		return r
	case r == '\n', r == '\t', r == nonJoiner, r == joiner:
		return r
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

// Excerpt is as much of a Line as a row of a table has room for.
func Excerpt(s string) string {
	const most = 160
	s = Line(s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
