// Package locale says things in the language of whoever asks.
package locale

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"github.com/wecomq/wecomq/wecom"
)

// languages are those wecomq speaks; the first is that of clients that ask for none of them.
var languages = []wecom.Language{wecom.English, wecom.Chinese}

// What follows is made when it is first needed: most commands and requests need none of it.
var (
	matcher = sync.OnceValue(func() language.Matcher {
		return language.NewMatcher([]language.Tag{language.English, language.Chinese})
	})
	errcode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\berrcode (-?\d+)\b`) })
)

// Of is the language that a request asks for, by the parameter lang or else by Accept-Language:
// English without either.
func Of(r *http.Request) wecom.Language {
	if l, ok := Parse(r.URL.Query().Get("lang")); ok {
		return l
	}
	_, i := language.MatchStrings(matcher(), r.Header.Get("Accept-Language"))
	return languages[i]
}

// Parse reads a language that somebody has chosen: "zh", "zh-CN" or "zh_CN".
func Parse(tag string) (wecom.Language, bool) {
	tag, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	l := wecom.Language(tag)
	return l, slices.Contains(languages, l)
}

// Reason says in a language why a message or an app is as it is: what wecomq says of it, the meaning
// of an errcode as [wecom.WithHint] has it, and what to do. The rest, which is WeCom's or the
// system's, stays as it is.
func Reason(l wecom.Language, reason string) string {
	if l != wecom.Chinese || reason == "" {
		return reason
	}
	for i, pattern := range patterns() {
		reason = pattern.ReplaceAllString(reason, phrases[i].chinese)
	}
	found := errcode().FindStringSubmatch(reason)
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
