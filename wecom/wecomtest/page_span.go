package wecomtest

import (
	"regexp"
	"strconv"
	"strings"
)

// span is a run of characters that look the same. The page's template makes the
// HTML of it, so that nothing a sender writes becomes HTML by itself.
type span struct {
	Text string
	Href string // of a link
	Bold bool
	Code bool
	// Colour is that of a <font> of markdown: info, comment or warning.
	Colour string
}

// line is a line of a text. Kind is h1 to h6, quote, or a class of a textcard's
// <div>: gray, normal, highlight; "" is a plain one.
type line struct {
	Kind  string
	Spans []span
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

// markdownLines reads the subset of markdown that app messages have.
func markdownLines(text string) []line {
	var lines []line
	for _, raw := range splitLines(text) {
		kind := ""
		if m := heading.FindStringSubmatch(raw); m != nil {
			kind, raw = "h"+strconv.Itoa(len(m[1])), m[2]
		} else if m := quoted.FindStringSubmatch(raw); m != nil {
			kind, raw = "quote", m[1]
		}
		lines = append(lines, line{kind, markdownSpans(raw, span{})})
	}
	return lines
}

// markdownSpans reads the inside of a line; style is what surrounds it.
func markdownSpans(text string, style span) []span {
	var spans []span
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
func marked(text string, m []int, style span) []span {
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
		return []span{plain(group(4), style)}
	default:
		style.Colour = group(5)
		return markdownSpans(group(6), style)
	}
}

func plain(text string, style span) span {
	style.Text = text
	return style
}

// textLines reads the content of a text message: links, and lines as they are.
func textLines(text string) []line {
	var lines []line
	for _, raw := range splitLines(text) {
		lines = append(lines, line{Spans: textSpans(raw)})
	}
	return lines
}

func textSpans(text string) []span {
	var spans []span
	for text != "" {
		m := anchors.FindStringSubmatchIndex(text)
		if m == nil {
			return append(spans, span{Text: text})
		}
		if m[0] > 0 {
			spans = append(spans, span{Text: text[:m[0]]})
		}
		if m[2] >= 0 {
			spans = append(spans, span{Text: text[m[4]:m[5]], Href: text[m[2]:m[3]]})
		} else {
			spans = append(spans, span{Text: text[m[6]:m[7]], Href: text[m[6]:m[7]]})
		}
		text = text[m[1]:]
	}
	return spans
}

// cardLines reads the description of a textcard: <div> with a class, and <br>.
func cardLines(text string) []line {
	text = brs.ReplaceAllString(text, "\n")
	var lines []line
	add := func(kind, text string) {
		if strings.TrimSpace(text) == "" {
			return
		}
		for _, raw := range splitLines(strings.Trim(text, "\n")) {
			lines = append(lines, line{kind, []span{{Text: raw}}})
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
