// Package locale translates texts into the language of the client.
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

// languages are the supported languages; the first is the default.
var languages = []wecom.Language{wecom.English, wecom.Chinese}

// The following are made on first use: most commands and requests do not need them.
var (
	matcher = sync.OnceValue(func() language.Matcher {
		return language.NewMatcher([]language.Tag{language.English, language.Chinese})
	})
	errcode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\berrcode (-?\d+)\b`) })
)

// Of is the language that a request asks for, by the parameter lang or else by Accept-Language: English without either.
func Of(r *http.Request) wecom.Language {
	if l, ok := Parse(r.URL.Query().Get("lang")); ok {
		return l
	}
	_, i := language.MatchStrings(matcher(), r.Header.Get("Accept-Language"))
	return languages[i]
}

// Parse parses the tag of a language: "zh", "zh-CN" or "zh_CN".
func Parse(tag string) (wecom.Language, bool) {
	tag, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	l := wecom.Language(tag)
	return l, slices.Contains(languages, l)
}

// Reason translates the reason of a message's or app's state: wecomq's own texts, the meaning of an errcode as
// [wecom.WithHint] adds it, and the advice. Other parts, of WeCom or the system, stay unchanged.
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
