package wecom_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

func TestPostSendsTheBytesAndReadsTheReply(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const body = `{"touser":"zhangsan","text":{"content":"<b> & 中文"}}`
	s.post = func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if string(got) != body || r.URL.Path != "/cgi-bin/message/send" || r.Method != http.MethodPost ||
			r.URL.Query().Get("access_token") != "live-token-1" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("WeCom got %s %s %s: %s", r.Method, r.URL, r.Header, got)
		}
		answer(w, `{"errcode":0,"errmsg":"ok","msgid":"m1"}`)
	}
	var reply struct{ MsgID string }
	if err := s.client(t).Post(t.Context(), "message/send", []byte(body), &reply); err != nil || reply.MsgID != "m1" {
		t.Errorf("reply %+v, error %v; want msgid m1", reply, err)
	}
}

func TestEveryKindOfAnswerHasItsClass(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		post  http.HandlerFunc
		class wecom.Class
		says  string
	}{
		"an errcode is an Error": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, `{"errcode":81013,"errmsg":"user & party & tag all invalid, hint: [1_2_a], from ip: 203.0.113.7, more info at https://x"}`)
			}, wecom.ClassRecipient, "message/send: errcode 81013: ",
		},
		"a wrong JSON warning with errcode 0 is a success": {
			func(w http.ResponseWriter, _ *http.Request) {
				answer(w, `{"errcode":0,"errmsg":"ok. Warning: wrong json format. "}`)
			}, wecom.ClassOK, "",
		},
		"a member of a strange type does not undo a success": {
			func(w http.ResponseWriter, _ *http.Request) { answer(w, `{"errcode":0,"errmsg":"ok","msgid":7}`) },
			wecom.ClassOK, "",
		},
		"HTTP 500 leaves the outcome unknown": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
			wecom.ClassUnknownOutcome, "HTTP 500 Internal Server Error",
		},
		"HTTP 502 with a page leaves the outcome unknown": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadGateway)
				answer(w, "<html>")
			}, wecom.ClassUnknownOutcome, "HTTP 502 Bad Gateway",
		},
		"a body that is not JSON leaves the outcome unknown": {
			func(w http.ResponseWriter, _ *http.Request) { answer(w, "<html>welcome</html>") },
			wecom.ClassUnknownOutcome, "not WeCom's JSON",
		},
		"JSON without an errcode leaves the outcome unknown": {
			func(w http.ResponseWriter, _ *http.Request) { answer(w, `{"status":"fine"}`) },
			wecom.ClassUnknownOutcome, "not WeCom's JSON",
		},
		"a connection that breaks leaves the outcome unknown": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			wecom.ClassUnknownOutcome, "EOF",
		},
		"HTTP 429 is a rate limit": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
			wecom.ClassRate, "HTTP 429 Too Many Requests",
		},
		"HTTP 404 means a wrong base URL": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
			wecom.ClassConfig, "check api_base_url and proxy",
		},
		"a redirect is not followed": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://example.com/", http.StatusMovedPermanently)
			},
			wecom.ClassConfig, "check api_base_url and proxy",
		},
		"a deflected call for a login is a wrong proxy": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) },
			wecom.ClassConfig, "check api_base_url and proxy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.post = tc.post
			var reply struct{ MsgID string }
			err := s.client(t).Post(t.Context(), "message/send", []byte(`{}`), &reply)
			if class := wecom.ClassOf(err); class != tc.class {
				t.Errorf("class %s, want %s (error %v)", class, tc.class, err)
			}
			if err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %q does not say %q", err, tc.says)
			}
			assertNoSecrets(t, err)
		})
	}
}

func TestARedirectThatEchoesTheCallLeaksNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://bad host/?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusFound)
	}
	s.post = echo
	assertNoSecrets(t, s.client(t).Post(t.Context(), "message/send", []byte(`{}`), nil))
	s.gettoken = echo
	assertNoSecrets(t, s.client(t).Post(t.Context(), "message/send", []byte(`{}`), nil))
}

func TestAClientPrintsNoSecret(t *testing.T) {
	t.Parallel()
	client := newServer(t).client(t)
	if err := client.CheckToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := wecom.NewAccessToken("live-token-1", time.Now(), time.Hour)
	assertNoSecrets(t, client, *client, token)
	assertNoSecrets(t, fmt.Sprintf("%v %+v %#v", struct{ inside wecom.Client }{*client}, struct{ inside wecom.Client }{*client}, client))
}

func TestATimeoutSaysHowLongItWaited(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.post = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees the client go
		<-r.Context().Done()
	}
	client := s.client(t, func(c *wecom.Config) { c.Timeout = 2 * time.Second })
	err := client.Post(t.Context(), "message/send", []byte(`{}`), nil)
	if wecom.ClassOf(err) != wecom.ClassUnknownOutcome || err.Error() != "message/send: no answer within 2s" {
		t.Errorf("error %v of class %s, want no answer within 2s, outcome unknown", err, wecom.ClassOf(err))
	}
	assertNoSecrets(t, err)
}

func TestACallThatNeverLeftSaysThatWeComIsUnreachable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	transport := wecom.NewTransport(nil, 1)
	transport.DisableKeepAlives = true
	client := s.client(t, func(c *wecom.Config) { c.Transport = transport })
	if err := client.CheckToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	err := client.Post(t.Context(), "message/send", []byte(`{}`), nil)
	if wecom.ClassOf(err) != wecom.ClassUnreachable || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v of class %s, want connection refused, unreachable", err, wecom.ClassOf(err))
	}
	assertNoSecrets(t, err)
}

func TestAFailedGettokenIsNeverAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.gettoken = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	err := s.client(t).Post(t.Context(), "message/send", []byte(`{}`), nil)
	if wecom.ClassOf(err) != wecom.ClassUnreachable {
		t.Errorf("error %v of class %s, want unreachable: no message was posted", err, wecom.ClassOf(err))
	}
	assertNoSecrets(t, err)
}

func TestADeadTokenIsReplacedOnceAndTheCallGoesOn(t *testing.T) {
	t.Parallel()
	for _, code := range []int{40014, 42001, 40001} {
		s := newServer(t)
		s.post = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("access_token") == "live-token-1" {
				answer(w, fmt.Sprintf(`{"errcode":%d,"errmsg":"token"}`, code))
				return
			}
			answer(w, `{"errcode":0,"errmsg":"ok"}`)
		}
		client := s.client(t)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := client.Post(t.Context(), "message/send", []byte(`{}`), nil); err != nil {
					t.Errorf("errcode %d: %v", code, err)
				}
			})
		}
		wg.Wait()
		if issued := s.issued.Load(); issued != 2 {
			t.Errorf("errcode %d: gettoken was called %d times for one death, want 2 in all", code, issued)
		}
	}
}

// shelf is a store that several processes share.
type shelf struct {
	mu    sync.Mutex
	token wecom.AccessToken
}

func (s *shelf) Token(ctx context.Context, fetch wecom.FetchToken) (token wecom.AccessToken, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Value == "" {
		s.token, err = fetch(ctx)
	}
	return s.token, err
}

func (s *shelf) Drop(_ context.Context, token wecom.Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Value == token {
		s.token = wecom.AccessToken{}
	}
	return nil
}

func TestTokensAreReplacedUntilAFetchedOneIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		alive string
		class wecom.Class
		tried []string
	}{
		"a fetched one works": {"live-token-2", wecom.ClassOK, []string{"live-token-1", "live-token-of-another", "live-token-2"}},
		"none works":          {"none", wecom.ClassToken, []string{"live-token-1", "live-token-of-another", "live-token-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			var tried []string // one call after the other
			alive := "live-token-1"
			s.post = func(w http.ResponseWriter, r *http.Request) {
				token := r.URL.Query().Get("access_token")
				tried = append(tried, token)
				if token != alive {
					answer(w, `{"errcode":42001,"errmsg":"access_token expired"}`)
					return
				}
				answer(w, `{"errcode":0,"errmsg":"ok"}`)
			}
			store := &shelf{}
			client := s.client(t, func(c *wecom.Config) { c.TokenStore = store })
			if err := client.Post(t.Context(), "message/send", []byte(`{}`), nil); err != nil {
				t.Fatal(err)
			}
			// Another process has replaced the token, and then all die.
			store.token = wecom.NewAccessToken("live-token-of-another", time.Now(), time.Hour)
			tried, alive = nil, tt.alive
			err := client.Post(t.Context(), "message/send", []byte(`{}`), nil)
			assertNoSecrets(t, err)
			if class := wecom.ClassOf(err); class != tt.class || !slices.Equal(tried, tt.tried) {
				t.Errorf("class %s after %q, want %s after %q", class, tried, tt.class, tt.tried)
			}
		})
	}
}

func TestTheSameTokenMayWorkTheSecondTime(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.gettoken = func(w http.ResponseWriter, _ *http.Request) {
		answer(w, `{"errcode":0,"errmsg":"ok","access_token":"live-token-same","expires_in":7200}`)
	}
	var posts atomic.Int32
	s.post = func(w http.ResponseWriter, _ *http.Request) {
		if posts.Add(1)%2 == 1 { // every first call of a message
			answer(w, `{"errcode":42001,"errmsg":"access_token expired"}`)
			return
		}
		answer(w, `{"errcode":0,"errmsg":"ok"}`)
	}
	if err := s.client(t).Post(t.Context(), "message/send", []byte(`{}`), nil); err != nil {
		t.Error(err)
	}
}

func TestATokenThatWeComIssuesAndRefusesEndsInARest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var asked atomic.Int32
	s.gettoken = func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		answer(w, `{"errcode":0,"errmsg":"ok","access_token":"live-token-same","expires_in":7200}`)
	}
	s.post = func(w http.ResponseWriter, _ *http.Request) {
		answer(w, `{"errcode":40014,"errmsg":"invalid access_token"}`)
	}
	client := s.client(t)
	for range 10 {
		err := client.Post(t.Context(), "message/send", []byte(`{}`), nil)
		if wecom.ClassOf(err) == wecom.ClassOK {
			t.Error("a refused token sent a message")
		}
		assertNoSecrets(t, err)
	}
	if n := asked.Load(); n > 3 {
		t.Errorf("gettoken was called %d times for 10 messages, want 3 at most", n)
	}
}

func TestAWrongSecretIsAskedOncePerBackOffStep(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var asked atomic.Int32
	s.gettoken = func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		answer(w, `{"errcode":40001,"errmsg":"invalid credential, hint: [17], from ip: 203.0.113.7, more info at https://x"}`)
	}
	client := s.client(t)
	for range 10 {
		err := client.Post(t.Context(), "message/send", []byte(`{}`), nil)
		if wecom.ClassOf(err) != wecom.ClassConfig || !errors.Is(err, wecom.Code(40001)) {
			t.Errorf("error %v of class %s, want errcode 40001 of class config", err, wecom.ClassOf(err))
		}
		assertNoSecrets(t, err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("gettoken was called %d times, want once", n)
	}
}

func TestACallerInLineForTheTokenMayGiveUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	inside, release := make(chan struct{}), make(chan struct{})
	s.gettoken = func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-release
		s.issue(w, r)
	}
	client := s.client(t)
	first := make(chan error)
	go func() { first <- client.CheckToken(t.Context()) }()
	select {
	case <-inside:
	case err := <-first:
		t.Fatalf("gettoken was not called: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.CheckToken(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the one who asks: %v", err)
	}
}

func TestErrorTellsTheIPToWhitelist(t *testing.T) {
	t.Parallel()
	err := &wecom.Error{
		API: "message/send", Code: wecom.CodeIPNotTrusted,
		Msg: "not allow to access from your ip, hint: [1760], from ip: 203.0.113.7, more info at https://x",
	}
	if !strings.Contains(err.Hint(), "203.0.113.7") {
		t.Errorf("hint %q does not name the IP", err.Hint())
	}
	if err.Words() != "not allow to access from your ip" {
		t.Errorf("words %q still hold what changes from call to call", err.Words())
	}
	if other := (&wecom.Error{Code: 45009, Msg: err.Msg}); strings.Contains(other.Hint(), "203.0.113.7") {
		t.Errorf("the hint of 45009 names an IP: %q", other.Hint())
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]wecom.Config{
		"CorpID":  {Secret: secret},
		"Secret":  {CorpID: corpID},
		"Timeout": {CorpID: corpID, Secret: secret, Timeout: -1},
		"BaseURL": {CorpID: corpID, Secret: secret, BaseURL: "qyapi.weixin.qq.com"},
	} {
		_, err := wecom.NewClient(cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
		assertNoSecrets(t, err, cfg)
	}
}

func TestUnknownErrorsAreOther(t *testing.T) {
	t.Parallel()
	if class := wecom.ClassOf(&net.DNSError{}); class != wecom.ClassOther {
		t.Errorf("class %s, want other", class)
	}
}

func BenchmarkPost(b *testing.B) {
	t := new(testing.T)
	s := newServer(t)
	b.Cleanup(s.Close)
	client := s.client(t, func(c *wecom.Config) { c.Transport = wecom.NewTransport(nil, 16) })
	body := []byte(`{"touser":"zhangsan","msgtype":"text","agentid":1000002,"text":{"content":"hello"}}`)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := client.Post(context.Background(), "message/send", body, nil); err != nil {
				b.Error(err)
			}
		}
	})
}

func TestTheBaseOfTheAddressIsKept(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	asked := make(chan string, 1)
	s.post = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/gettoken") {
			s.issue(w, r)
			return
		}
		asked <- r.URL.EscapedPath()
		answer(w, `{"errcode":0,"errmsg":"ok"}`)
	}
	for base, want := range map[string]string{
		"":          "/cgi-bin/message/send",
		"/":         "/cgi-bin/message/send",
		"/wecom":    "/wecom/cgi-bin/message/send",
		"/wecom/":   "/wecom/cgi-bin/message/send",
		"/we%2Fcom": "/we%2Fcom/cgi-bin/message/send",
	} {
		for _, api := range []string{"message/send", "/message/send"} {
			if err := s.client(t, func(c *wecom.Config) { c.BaseURL += base }).Post(t.Context(), api, []byte(`{}`), nil); err != nil {
				t.Fatal(err)
			}
			if got := <-asked; got != want {
				t.Errorf("%q and %q lead to %s, want %s", base, api, got, want)
			}
		}
	}
}

func TestAnErrcodeIsANumber(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for errcode, want := range map[string]wecom.Class{
		`0`: wecom.ClassOK, `"0"`: wecom.ClassOK, `" 0"`: wecom.ClassOK,
		`81013`: wecom.ClassRecipient, `"81013"`: wecom.ClassRecipient,
		`null`: wecom.ClassUnknownOutcome, `""`: wecom.ClassUnknownOutcome, `0.5`: wecom.ClassUnknownOutcome, `[0]`: wecom.ClassUnknownOutcome,
		`99999999999999999999`: wecom.ClassUnknownOutcome,
	} {
		s.post = func(w http.ResponseWriter, _ *http.Request) { answer(w, `{"errcode":`+errcode+`,"errmsg":"x"}`) }
		if class := wecom.ClassOf(s.client(t).Post(t.Context(), "message/send", []byte(`{}`), nil)); class != want {
			t.Errorf("errcode %s is of class %s, want %s", errcode, class, want)
		}
	}
}
