// Package harmless makes untrusted text harmless to its readers: on a terminal, in a log, on a page, in a
// digest, in a spreadsheet.
package harmless

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns a text without control characters except line breaks and tabs, and without invisible characters
// except those that join others, as in emoji: they could control a terminal or change the writing direction.
// Invalid UTF-8 becomes U+FFFD.
func Text(s string) string { return strings.Map(visible, s) }

// Line returns such a text in one line: other control characters become spaces.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return visible(r)
	}, s)
}

// Cell returns such a text for a cell of a CSV: the beginning of a formula gets an apostrophe. Some spreadsheets
// accept full-width forms, too.
func Cell(s string) string {
	s = Text(s)
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@＝＋－＠\t\n", first) {
		return "'" + s
	}
	return s
}

// visible returns the rune, or -1 for one that is removed.
func visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case ' ' <= r && r <= '~': // the usual case
		return r
	case r == '\n', r == '\t', r == nonJoiner, r == joiner:
		return r
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

// Excerpt returns the beginning of a Line that fits into a row of a table.
func Excerpt(s string) string {
	const most = 160
	s = Line(s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
