package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/pages"
	"github.com/wecomq/wecomq/internal/redistest"
)

// FuzzSearch proves that whatever is searched for is answered by a page, or leads to
// a message.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{
		"", "zhangsan", "ops-01JD5K3V8N0000000000000000", "ops-01JD5K3V8N0000000000000000/1", "hr-x", "<b>", "\xff", "\x00", "a|b",
		strings.Repeat("汉", 100), strings.Repeat("x", 300), "../../x", "@all",
	} {
		f.Add(q, "")
	}
	f.Add("x", "ops")
	f.Add("x", "\xff")
	b := &bundle{rdb: redistest.New(f)}
	p, err := pages.New(pages.Config{
		OpenSession: func(http.ResponseWriter, *http.Request, string) (*gateway.Identity, error) {
			return nil, http.ErrNoCookie
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	p.Reload([]pages.App{b.app("ops")})
	g, err := gateway.New(gateway.Config{
		Services: gateway.Services{Queue: unused{}, Records: unused{}},
		Settings: gateway.Settings{
			Apps: []gateway.App{{Name: "ops"}}, Tokens: []config.Token{token(reader, []string{"ops"}, config.ScopeRead)},
		},
		Routes: p.Routes(),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, q, app string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/messages", http.NoBody)
		r.URL.RawQuery = url.Values{"q": {q}, "app": {app}}.Encode()
		r.Header.Set("Authorization", "Bearer "+reader)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code == http.StatusSeeOther && strings.HasPrefix(w.Header().Get("Location"), "/messages/") {
			return
		}
		if w.Code >= http.StatusInternalServerError || !utf8.Valid(w.Body.Bytes()) {
			t.Errorf("%d for %q: %q", w.Code, q, w.Body)
		}
	})
}
