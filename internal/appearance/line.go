package appearance

import (
	"regexp"
	"strconv"
	"strings"
)

// Span is a run of characters that look the same. A page's template makes the
// HTML of it, so that nothing a sender writes becomes HTML by itself.
type Span struct {
	Text string
	Href string // of a link
	Bold bool
	Code bool
	// Colour is that of a <font> of markdown: info, comment or warning.
	Colour string
}

// Line is a line of a text. Kind is h1 to h6, quote, or a class of a textcard's
// <div>: gray, normal, highlight; "" is a plain one.
type Line struct {
	Kind  string
	Spans []Span
}

var (
	// inlineMarks are what a markdown message may have inside a line (page 90236).
	inlineMarks = regexp.MustCompile(`\*\*(.+?)\*\*` +
		`|\[([^\[\]]+)\]\((https?://[^\s()]+)\)` +
		"|`([^`]+)`" +
		`|<font color=["']?(info|comment|warning)["']?>(.*?)</font>`)
	heading = regexp.MustCompile(`^(#{1,6})[ \t]+(.*)$`)
	quoted  = regexp.MustCompile(`^[ \t]*>[ \t]?(.*)$`)

	// anchors are the links of a text, written out or bare.
	anchors = regexp.MustCompile(`<a\s+href=["']?(https?://[^"'\s>]+)["']?[^>]*>(.*?)</a>|(https?://[A-Za-z0-9\-._~:/?#@!$&()*+,;=%]+)`)

	// divs are the paragraphs of a textcard.
	divs = regexp.MustCompile(`(?s)<div(?:\s+class=["']?([a-z]*)["']?)?\s*>(.*?)</div>`)
	brs  = regexp.MustCompile(`<br\s*/?>`)
)

// Markdown reads the subset of markdown that app messages have.
func Markdown(text string) []Line {
	var lines []Line
	for _, raw := range splitLines(text) {
		kind := ""
		if m := heading.FindStringSubmatch(raw); m != nil {
			kind, raw = "h"+strconv.Itoa(len(m[1])), m[2]
		} else if m := quoted.FindStringSubmatch(raw); m != nil {
			kind, raw = "quote", m[1]
		}
		lines = append(lines, Line{kind, markdownSpans(raw, Span{})})
	}
	return lines
}

// markdownSpans reads the inside of a line; style is what surrounds it.
func markdownSpans(text string, style Span) []Span {
	var spans []Span
	for text != "" {
		m := inlineMarks.FindStringSubmatchIndex(text)
		if m == nil {
			return append(spans, plain(text, style))
		}
		if m[0] > 0 {
			spans = append(spans, plain(text[:m[0]], style))
		}
		spans = append(spans, marked(text, m, style)...)
		text = text[m[1]:]
	}
	return spans
}

// marked reads one match of inlineMarks.
func marked(text string, m []int, style Span) []Span {
	group := func(n int) string { return text[m[2*n]:m[2*n+1]] }
	switch {
	case m[2] >= 0:
		style.Bold = true
		return markdownSpans(group(1), style)
	case m[4] >= 0:
		style.Href = group(3)
		return markdownSpans(group(2), style)
	case m[8] >= 0:
		style.Code = true
		return []Span{plain(group(4), style)}
	default:
		style.Colour = group(5)
		return markdownSpans(group(6), style)
	}
}

func plain(text string, style Span) Span {
	style.Text = text
	return style
}

// Text reads the content of a text message: links, and lines as they are.
func Text(text string) []Line {
	var lines []Line
	for _, raw := range splitLines(text) {
		lines = append(lines, Line{Spans: textSpans(raw)})
	}
	return lines
}

func textSpans(text string) []Span {
	var spans []Span
	for text != "" {
		m := anchors.FindStringSubmatchIndex(text)
		if m == nil {
			return append(spans, Span{Text: text})
		}
		if m[0] > 0 {
			spans = append(spans, Span{Text: text[:m[0]]})
		}
		if m[2] >= 0 {
			spans = append(spans, Span{Text: text[m[4]:m[5]], Href: text[m[2]:m[3]]})
		} else {
			spans = append(spans, Span{Text: text[m[6]:m[7]], Href: text[m[6]:m[7]]})
		}
		text = text[m[1]:]
	}
	return spans
}

// TextCard reads the description of a textcard: <div> with a class, and <br>.
func TextCard(text string) []Line {
	text = brs.ReplaceAllString(text, "\n")
	var lines []Line
	add := func(kind, text string) {
		if strings.TrimSpace(text) == "" {
			return
		}
		for _, raw := range splitLines(strings.Trim(text, "\n")) {
			lines = append(lines, Line{kind, []Span{{Text: raw}}})
		}
	}
	for text != "" {
		m := divs.FindStringSubmatchIndex(text)
		if m == nil {
			add("", text)
			break
		}
		add("", text[:m[0]])
		kind := "normal"
		if m[2] >= 0 {
			kind = text[m[2]:m[3]]
		}
		add(kind, text[m[4]:m[5]])
		text = text[m[1]:]
	}
	return lines
}

func splitLines(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}
