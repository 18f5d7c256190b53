package wecom_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wecomq/wecomq/wecom"
)

const (
	corpID = "ww0123456789abcdef"
	secret = "s3cret-of-the-app"
)

// server answers as a test tells it to; its tokens are "live-token-1", "live-token-2" and so on.
type server struct {
	*httptest.Server
	issued atomic.Int32
	// gettoken and post, when set, answer instead of the server.
	gettoken, post http.HandlerFunc
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/cgi-bin/gettoken" && s.gettoken != nil:
			s.gettoken(w, r)
		case r.URL.Path == "/cgi-bin/gettoken":
			s.issue(w, r)
		case s.post != nil:
			s.post(w, r)
		default:
			answer(w, `{"errcode":0,"errmsg":"ok"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) issue(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); q.Get("corpid") != corpID || q.Get("corpsecret") != secret {
		answer(w, `{"errcode":40001,"errmsg":"invalid credential"}`)
		return
	}
	answer(w, fmt.Sprintf(`{"errcode":0,"errmsg":"ok","access_token":"live-token-%d","expires_in":7200}`, s.issued.Add(1)))
}

func answer(w http.ResponseWriter, body string) { _, _ = w.Write([]byte(body)) }

func (s *server) client(t *testing.T, change ...func(*wecom.Config)) *wecom.Client {
	t.Helper()
	cfg := wecom.Config{CorpID: corpID, Secret: secret, BaseURL: s.URL}
	for _, apply := range change {
		apply(&cfg)
	}
	client, err := wecom.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// assertNoSecrets proves that a value shows neither the secret nor a token, in
// whatever way it is printed. Every test that gets an error hands it in.
func assertNoSecrets(t *testing.T, values ...any) {
	t.Helper()
	for _, value := range values {
		encoded, _ := json.Marshal(value)
		for _, text := range []string{
			fmt.Sprint(value), fmt.Sprintf("%+v", value), fmt.Sprintf("%#v", value), fmt.Sprintf("%q", value), string(encoded),
		} {
			for _, leak := range []string{secret, "live-token", "access_token=", "corpsecret="} {
				if strings.Contains(text, leak) {
					t.Errorf("%q shows in %s", leak, text)
				}
			}
		}
	}
}
