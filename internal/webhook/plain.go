package webhook

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/harmless"
)

// ellipsis marks a cut.
const ellipsis = "…"

// tagLike matches text that WeCom could take for <font>, <a> or <div>.
var tagLike = regexp.MustCompile(`<(/?[A-Za-z])`)

// plain makes untrusted text harmless: brackets that would open or close a tag become full-width ones, which
// look alike, and control and direction characters are removed.
func plain(text string) string {
	text = harmless.Text(text)
	if !strings.Contains(text, "<") {
		return text // the usual case, and there can be thousands
	}
	return tagLike.ReplaceAllString(text, "＜$1")
}

// plainLabel is plain for the name or value of a label, which has one line and no link: labels come from the
// monitored machines.
func plainLabel(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(plain(text)), " "), "](", "] (") // the middle of [text](address)
}

// shorten cuts a text to a number of characters, including the ellipsis.
func shorten(text string, most int) string {
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	n := 0
	for i := range text {
		if n == most-1 {
			return strings.TrimRight(text[:i], " \n\t") + ellipsis
		}
		n++
	}
	return text
}

// atMost cuts a text to the length that is worth processing, without splitting a character.
func atMost(text string) string {
	if len(text) <= maxTextBytes {
		return text
	}
	end := maxTextBytes - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// link returns an address that is safe in a message: http or https, of limited length, and without characters
// that would end a Markdown link. For any other it returns "".
func link(address string, most int) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	safe := linkEscaper.Replace(u.String())
	if len(safe) > most {
		return ""
	}
	return safe
}

var linkEscaper = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", `"`, "%22", "'", "%27", "`", "%60")
