// Package locale says things in the language of whoever asks.
package locale

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/wecomq/wecomq/wecom"
)

// languages are those wecomq speaks; the first is that of clients that ask for none of them.
var languages = []wecom.Language{wecom.English, wecom.Chinese}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// Of is the language that a request asks for, by the parameter lang or else by Accept-Language:
// English without either.
func Of(r *http.Request) wecom.Language {
	asked := ""
	if strings.Contains(r.URL.RawQuery, "lang=") {
		asked = r.URL.Query().Get("lang")
	}
	_, i := language.MatchStrings(matcher, asked, r.Header.Get("Accept-Language"))
	return languages[i]
}

var errcode = regexp.MustCompile(`\berrcode (-?\d+)\b`)

// Reason says in a language why a message or an app is as it is: what wecomq says of it, the meaning
// of an errcode as [wecom.WithHint] has it, and what to do. The rest, which is WeCom's or the
// system's, stays as it is.
func Reason(l wecom.Language, reason string) string {
	if l != wecom.Chinese || reason == "" {
		return reason
	}
	for i, pattern := range patterns {
		reason = pattern.ReplaceAllString(reason, phrases[i].chinese)
	}
	found := errcode.FindStringSubmatch(reason)
	if found == nil {
		return reason
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		return reason
	}
	code := wecom.Code(n)
	return strings.NewReplacer(
		code.Error(), fmt.Sprintf("错误码 %d：%s", n, code.MeaningIn(l)),
		". "+code.Hint(), "。"+code.HintIn(l),
	).Replace(reason)
}
