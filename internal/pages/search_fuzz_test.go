package pages_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

// FuzzSearch proves that any search is answered by a page, or leads to a message.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{
		"", "zhangsan", "ops-01JD5K3V8N0000000000000000", "ops-01JD5K3V8N0000000000000000/1", "hr-x", "<b>", "\xff", "\x00", "a|b",
		strings.Repeat("汉", 100), strings.Repeat("x", 300), "../../x", "@all",
	} {
		f.Add(q, "")
	}
	f.Add("x", "ops")
	f.Add("x", "\xff")
	d := daemontest.New(f, daemontest.Config{Tokens: []config.Token{daemontest.Token(reader, []string{"ops"}, config.ScopeRead)}})
	root, _ := d.Start(daemon.Config{Gateway: true})
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	f.Fuzz(func(t *testing.T, q, app string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root+"/messages", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery = url.Values{"q": {q}, "app": {app}}.Encode()
		r.Header.Set("Authorization", "Bearer "+reader)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode == http.StatusSeeOther && strings.HasPrefix(response.Header.Get("Location"), "/messages/") {
			return
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode >= http.StatusInternalServerError || !utf8.Valid(body) {
			t.Errorf("%d for %q: %q", response.StatusCode, q, body)
		}
	})
}
