package pages

import (
	"net/http"

	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/wecom"
)

// language is a language of the pages.
type language wecom.Language

const (
	english = language(wecom.English)
	chinese = language(wecom.Chinese)
)

const languageCookie = "wecomq_lang"

// languageOf is the language of a request: the one chosen now or earlier, else the first supported language of
// the browser.
func languageOf(w http.ResponseWriter, r *http.Request) language {
	if chosen, ok := locale.Parse(r.URL.Query().Get("lang")); ok {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // it is no secret, and has to work on a plain http listener
			Name: languageCookie, Value: string(chosen), Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		return language(chosen)
	}
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if chosen, ok := locale.Parse(cookie.Value); ok {
			return language(chosen)
		}
	}
	return language(locale.Of(r))
}

// say returns a text in a language. Its key is the English text, or a symbolic key such as "state: held".
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

// notice describes the completed action; an unknown value in the URL is ignored.
func (l language) notice(done string) string {
	key := "done: " + done
	if text := l.say(key); text != key {
		return text
	}
	return ""
}
