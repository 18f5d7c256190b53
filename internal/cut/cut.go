// Package cut shortens texts that WeCom shows with markup.
package cut

import (
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Ellipsis ends a text that was cut.
const Ellipsis = "…"

var tags = regexp.MustCompile(`<(/?)(font|div|a)\b[^<>]*>`)

// maxMarkup exceeds the size of any tag or link that WeCom accepts.
const maxMarkup = 8 << 10

// Bytes shortens the text to at most most bytes, including the ellipsis and the closing tags that it needs:
// it never cuts inside a character, a tag, a link or a URL.
func Bytes(text string, most int) string {
	return within(text, most, func(s string) int { return len(s) })
}

// Chars is Bytes for a number of characters.
func Chars(text string, most int) string { return within(text, most, utf8.RuneCountInString) }

func within(text string, most int, size func(string) int) string {
	if len(text) <= most || size(text) <= most {
		return text
	}
	text = text[:min(len(text), utf8.UTFMax*most+maxMarkup)]
	whole := markup(text)
	end := len(text)
	for {
		end = outside(whole, before(text, end))
		kept := strings.TrimRight(text[:end], " \n\t")
		result := kept + Ellipsis + closing(kept)
		over := size(result) - most
		if over <= 0 || end == 0 {
			return result
		}
		end = max(end-over, 0) // a unit has one byte at least
	}
}

// before is the start of the character at position.
func before(text string, position int) int {
	for position > 0 && position < len(text) && !utf8.RuneStart(text[position]) {
		position--
	}
	return position
}

// outside is the position, or the start of the markup that contains it.
func outside(whole []span, position int) int {
	i := sort.Search(len(whole), func(i int) bool { return position < whole[i].to })
	if i < len(whole) && whole[i].from < position {
		return whole[i].from
	}
	return position
}

// closing are the missing end tags of a text.
func closing(text string) string {
	var open []string
	for _, tag := range tags.FindAllStringSubmatch(text, -1) {
		switch {
		case tag[1] == "":
			open = append(open, tag[2])
		case len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	var b strings.Builder
	for _, tag := range slices.Backward(open) {
		b.WriteString("</" + tag + ">")
	}
	return b.String()
}
