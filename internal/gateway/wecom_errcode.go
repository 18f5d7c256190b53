package gateway

import (
	"strings"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// errInvalidParameter is WeCom's errcode for everything that has none of its own.
const errInvalidParameter wecom.Code = 40058

// fieldCodes are the errcodes of WeCom for what can be wrong with a field; the
// first row that fits counts. A field of a list is written without its index.
var fieldCodes = []struct {
	field   string // its path, or the end of it after a "*"
	problem string // how the problem begins; "" for any
	code    wecom.Code
}{
	{"msgtype", "", 40008},
	{"agentid", "", 40056},
	{"touser", "nobody is named", 82001},
	{"touser", "", 40031},
	{"toparty", "", 40066},
	{"totag", "", 40068},
	{"text.content", "missing", 44004},
	{"*.media_id", "missing", 41006},
	{"*.thumb_media_id", "missing", 41006},
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

// fieldCode is WeCom's errcode for what is wrong with a field.
func fieldCode(e message.FieldError) wecom.Code {
	field := withoutIndexes(e.Field)
	for _, row := range fieldCodes {
		suffix, isSuffix := strings.CutPrefix(row.field, "*")
		fits := field == row.field || (isSuffix && strings.HasSuffix(field, suffix))
		if fits && strings.HasPrefix(e.Problem, row.problem) {
			return row.code
		}
	}
	return errInvalidParameter
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
