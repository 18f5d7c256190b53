package daemon_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// reply is what came back for a request.
type reply struct {
	status int
	header http.Header
	body   string
}

// staying does not follow redirects.
var staying = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// request is one with a token, "" for none.
func request(t *testing.T, method, url, secret, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	return r
}

// exchange makes a request, and reads the answer.
func exchange(t *testing.T, r *http.Request) reply {
	t.Helper()
	response, err := staying.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(text)}
}

// fetch gets a page.
func fetch(t *testing.T, url string) string {
	t.Helper()
	return exchange(t, request(t, http.MethodGet, url, "", "")).body
}
