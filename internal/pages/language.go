package pages

import (
	"net/http"
	"strings"
)

// language is one in which the pages are.
type language string

const (
	english language = "en"
	chinese language = "zh"
)

const languageCookie = "wecomq_lang"

// languageOf is the language of a request: the one that was chosen, now or before,
// or else the first of the browser's that the pages are in.
func languageOf(w http.ResponseWriter, r *http.Request) language {
	if chosen, ok := parseLanguage(r.URL.Query().Get("lang")); ok {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // it is no secret, and has to work on a plain http listener
			Name: languageCookie, Value: string(chosen), Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		return chosen
	}
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if chosen, ok := parseLanguage(cookie.Value); ok {
			return chosen
		}
	}
	for preferred := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		if accepted, ok := parseLanguage(preferred); ok {
			return accepted
		}
	}
	return english
}

// parseLanguage reads "zh", "zh-CN" or "zh-CN;q=0.9".
func parseLanguage(tag string) (language, bool) {
	tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), ";")
	tag, _, _ = strings.Cut(tag, "-")
	switch l := language(tag); l {
	case english, chinese:
		return l, true
	}
	return "", false
}

// say is a text of the pages in a language. The key is the English text, or for
// those that stand for something ("state: held") a key of their own.
func (l language) say(key string) string {
	table := inEnglish
	if l == chinese {
		table = inChinese
	}
	if text, ok := table[key]; ok {
		return text
	}
	return key
}

// notice tells what was just done; what is in a URL and not known says nothing.
func (l language) notice(done string) string {
	key := "done: " + done
	if text := l.say(key); text != key {
		return text
	}
	return ""
}
