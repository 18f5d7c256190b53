package message

import (
	"strings"

	"github.com/wecomq/wecomq/wecom"
)

// fieldCodes map invalid fields to WeCom's errcodes; the first matching row counts.
// Fields of lists are written without an index.
var fieldCodes = []struct {
	field   string // its path, or after a "*" the end of it
	problem string // prefix of the problem's text
	code    wecom.Code
}{
	{"msgtype", "", 40008},
	{"agentid", "", 40056},
	{"touser", "nobody is named", 82001},
	{"touser", "", 40031},
	{"toparty", "", 40066},
	{"totag", "", 40068},
	{"text.content", "missing", 44004},
	{"markdown.content", "missing", 44004},
	{"text.content", "", 45002},
	{"*.media_id", "missing", 41006},
	{"*.thumb_media_id", "missing", 41006},
	{"*.media_id", "", 40007},
	{"*.thumb_media_id", "", 40007},
	{"textcard.title", "missing", 41016},
	{"news.articles.title", "missing", 41016},
	{"textcard.description", "missing", 41033},
	{"*.url", "missing", 41010},
	{"textcard.url", "\"", 45034},
	{"news.articles", "", 45008},
	{"mpnews.articles", "", 45008},
	{"mpnews.articles.author", "", 45032},
	{"mpnews.articles.content", "", 45002},
	{"safe", "", 40074},
	{"template_card.card_type", "", 42031},
	{"template_card.card_action", "", 42045},
}

// Code is the errcode with which WeCom refuses such a message, or would if it did not cut
// it silently: 40058 where it has none of its own.
func (e FieldError) Code() wecom.Code {
	field := withoutIndexes(e.Field)
	for _, row := range fieldCodes {
		suffix, isSuffix := strings.CutPrefix(row.field, "*")
		fits := field == row.field || (isSuffix && strings.HasSuffix(field, suffix))
		if fits && strings.HasPrefix(e.Problem, row.problem) {
			return row.code
		}
	}
	return wecom.CodeInvalidParameter
}

// withoutIndexes turns news.articles[3].title into news.articles.title.
func withoutIndexes(field string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(field, "[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, field, _ = strings.Cut(rest, "]")
	}
}
