package wecomtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// bundle is a simulator behind real HTTP with a clock that stands still.
type bundle struct {
	*wecomtest.Simulator

	t     testing.TB
	url   string
	token string // of the default app
	clock *clock
}

// clock moves only when it is told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func setup(tb testing.TB, rules wecomtest.Rules) *bundle {
	tb.Helper()
	sim, err := wecomtest.New(rules)
	if err != nil {
		tb.Fatal(err)
	}
	// 08:00 in China, sixteen hours before its midnight.
	b := &bundle{Simulator: sim, t: tb, clock: &clock{now: time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC)}}
	sim.Now = b.clock.Now
	server := httptest.NewServer(sim)
	tb.Cleanup(server.Close)
	b.url = server.URL
	app := sim.Rules().Apps[0]
	b.token = b.login(app.CorpID, app.Secret)
	return b
}

// answer holds every member any API answers with.
type answer struct {
	ErrCode      wecom.Code      `json:"errcode"`
	ErrMsg       string          `json:"errmsg"`
	AccessToken  string          `json:"access_token"`
	ExpiresIn    int64           `json:"expires_in"`
	InvalidUser  json.RawMessage `json:"invaliduser"`
	InvalidParty string          `json:"invalidparty"`
	InvalidTag   string          `json:"invalidtag"`
	Unlicensed   string          `json:"unlicenseduser"`
	MsgID        string          `json:"msgid"`
	ResponseCode string          `json:"response_code"`
	Type         string          `json:"type"`
	MediaID      string          `json:"media_id"`
	CreatedAt    string          `json:"created_at"`
}

func (b *bundle) login(corpID, secret string) string {
	b.t.Helper()
	a := b.call(http.MethodGet, "/cgi-bin/gettoken?corpid="+url.QueryEscape(corpID)+"&corpsecret="+url.QueryEscape(secret), "")
	if a.ErrCode != 0 {
		b.t.Fatalf("gettoken: %s", a.ErrMsg)
	}
	return a.AccessToken
}

// post calls an API with the default app's token.
func (b *bundle) post(api, body string) answer {
	b.t.Helper()
	return b.call(http.MethodPost, "/cgi-bin/"+api+"?access_token="+b.token, body)
}

func (b *bundle) send(body string) answer {
	b.t.Helper()
	return b.post("message/send", body)
}

// call expects HTTP 200 and JSON, whatever the errcode.
func (b *bundle) call(method, path, body string) answer {
	b.t.Helper()
	code, raw, err := b.do(method, path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if code != http.StatusOK {
		b.t.Fatalf("%s %s: HTTP %d %s", method, path, code, raw)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		b.t.Fatalf("answer %q: %v", raw, err)
	}
	return a
}

func (b *bundle) do(method, path, body string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, raw, err
}

// admin calls /admin/ and decodes the answer into target unless that is nil.
func (b *bundle) admin(method, path, body string, target any) int {
	b.t.Helper()
	code, raw, err := b.do(method, "/admin/"+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if target != nil {
		if err := json.Unmarshal(raw, target); err != nil {
			b.t.Fatalf("%s %s: answer %q: %v", method, path, raw, err)
		}
	}
	return code
}

// last is the newest message that arrived.
func (b *bundle) last() wecomtest.Message {
	b.t.Helper()
	messages := b.Messages()
	if len(messages) == 0 {
		b.t.Fatal("nothing arrived")
	}
	return messages[len(messages)-1]
}

func (b *bundle) wantCode(a answer, want wecom.Code) {
	b.t.Helper()
	if a.ErrCode != want {
		b.t.Errorf("errcode = %d (%s), want %d", a.ErrCode, a.ErrMsg, want)
	}
}

// text is a text message to some users.
func text(to, content string) string {
	return `{"touser":` + quote(to) + `,"msgtype":"text","agentid":1000002,"text":{"content":` + quote(content) + `}}`
}

// message is a message to one user with the given msgtype and content.
func message(kind, content string) string {
	return `{"touser":"chen.li","msgtype":"` + kind + `","agentid":1000002,"` + kind + `":` + content + `}`
}

func quote(s string) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.TrimSpace(buf.String())
}

// users is n distinct userids.
func users(n int) string {
	var list []string
	for i := range n {
		list = append(list, "user"+strconv.Itoa(i))
	}
	return strings.Join(list, "|")
}

// fataler is what testing.TB and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// quiet is a simulator without a server.
func quiet(t fataler, rules wecomtest.Rules) *wecomtest.Simulator {
	t.Helper()
	sim, err := wecomtest.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

// direct posts to a simulator without a server.
func direct(t fataler, sim *wecomtest.Simulator, path, body string) answer {
	t.Helper()
	rec := httptest.NewRecorder()
	sim.ServeHTTP(rec, httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(body)))
	var a answer
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || rec.Code != http.StatusOK {
		t.Fatal("answer", rec.Code, rec.Body.String(), err)
	}
	return a
}

func tokenOf(t fataler, sim *wecomtest.Simulator) string {
	t.Helper()
	return direct(t, sim, "/cgi-bin/gettoken?corpid="+wecomtest.CorpID+"&corpsecret="+wecomtest.Secret, "").AccessToken
}
