package cut

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

var (
	tag = regexp.MustCompile(`</?[A-Za-z][^<>]*>`)
	// address is what is shown as a link without any markup: a part of it leads elsewhere.
	address = regexp.MustCompile("(?i:https?)://[^\x00-\x20\x7f-\U0010ffff<>\"`]+")
)

// span is a part of a text, from its first byte to behind its last.
type span struct{ from, to int }

// markup are the parts of a text that must not be cut in their middle, apart from each
// other and in order: tags, addresses, and links and pictures of Markdown.
func markup(text string) []span {
	var found []span
	for _, pattern := range []*regexp.Regexp{tag, address} {
		for _, at := range pattern.FindAllStringIndex(text, -1) {
			found = append(found, span{at[0], at[1]})
		}
	}
	return apart(append(found, links(text)...))
}

// apart joins the spans that overlap.
func apart(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var joined []span
	for _, s := range spans {
		if last := len(joined) - 1; last >= 0 && s.from < joined[last].to {
			joined[last].to = max(joined[last].to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// links finds [text](address) and ![text](address). Brackets and parentheses inside belong
// to a link as far as they are in pairs, or have a backslash in front.
func links(text string) (found []span) {
	ends := pairs(text, '(', ')')
	for begin, middle := range pairs(text, '[', ']') {
		end, isLink := ends[middle+1]
		if !isLink {
			continue
		}
		if begin > 0 && text[begin-1] == '!' {
			begin--
		}
		found = append(found, span{begin, end + 1})
	}
	return found
}

// pairs is where the sign stands that closes the one which stands at a place.
func pairs(text string, opening, closing byte) map[int]int {
	found := map[int]int{}
	var open []int
	for i := 0; i < len(text); i++ {
		switch last := len(open) - 1; {
		case text[i] == '\\' && i+1 < len(text) && strings.IndexByte("[]()", text[i+1]) >= 0:
			i++
		case text[i] == opening:
			open = append(open, i)
		case text[i] == closing && last >= 0:
			found[open[last]] = i
			open = open[:last]
		}
	}
	return found
}
