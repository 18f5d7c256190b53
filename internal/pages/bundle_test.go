package pages_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// bundle is a gateway of two apps, hr and ops, with its pages, a real Redis and a simulated WeCom. The tests
// themselves act as the worker.
type bundle struct {
	*testing.T
	*daemontest.Deployment

	redis *redistest.Redis
	url   string
}

// The tokens of the bundle.
const (
	admin  = "admin-token"
	reader = "reader-token" // of ops only
	sender = "sender-token" // may not read

	operator = "operator-token"
	writer   = "writer-token-0123456789" // reads and sends
	approver = "approver-token"
)

// approvalAbove is the number of recipients above which a broadcast has to be approved.
const approvalAbove = 250

func setup(t *testing.T) *bundle {
	t.Helper()
	both := []string{"hr", "ops"}
	b := &bundle{T: t, redis: redistest.StartAny(t)}
	b.Deployment = daemontest.New(t, daemontest.Config{RedisURL: b.redis.URL, Apps: both, Tokens: []config.Token{
		daemontest.Token(admin, both, config.ScopeRead, config.ScopeAdmin),
		daemontest.Token(reader, []string{"ops"}, config.ScopeRead),
		daemontest.Token(sender, both, config.ScopeSend),
		daemontest.Token(operator, both, config.ScopeRead, config.ScopeSend, config.ScopeRecall),
		daemontest.Token(writer, both, config.ScopeRead, config.ScopeSend),
		daemontest.Token(approver, both, config.ScopeRead, config.ScopeApprove),
	}, Rules: wecomtest.Rules{Invisible: []string{"stranger"}}, Change: func(c *config.Config) {
		c.Broadcast.ApprovalAbove = approvalAbove
		c.Apps["ops"].Limits.Seats = 1
	}})
	b.url, _ = b.Start(daemon.Config{Gateway: true})
	return b
}

// send enqueues a text, and returns its id.
func (b *bundle) send(app, to, content string) string {
	b.Helper()
	return b.Send(app, daemontest.Text(to, content), producer.Options{}).ID
}

// settle records the outcome of a message, as a worker does.
func (b *bundle) settle(app, id string, s tasks.Settlement) {
	b.Helper()
	payload, err := b.FinderOf(app).Payload(b.Context(), id, message.TypeText)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.LedgerOf(app).Settle(b.Context(), payload, s); err != nil {
		b.Fatal(err)
	}
}

// reject turns a message into a dead letter.
func (b *bundle) reject(app, id string) {
	b.Helper()
	b.settle(app, id, tasks.Settlement{State: tasks.Rejected, ErrCode: 81013, ErrMsg: "all <b>invalid</b>"})
}

// until waits for a condition.
func (b *bundle) until(what string, done func() bool) {
	b.Helper()
	waittest.Until(b.T, what, done)
}

// browser keeps cookies, and sends requests as a browser does.
type browser struct {
	*bundle
	client http.Client
}

// open logs a browser in; without a token it has no session.
func (b *bundle) open(token string) *browser {
	b.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	w := &browser{b, http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if token != "" {
		if a := w.post("/login", "token", token); a.status != http.StatusSeeOther {
			b.Fatalf("log in with %s: HTTP %d", token, a.status)
		}
	}
	return w
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) location() string { return a.header.Get("Location") }

func (w *browser) get(path string, headers ...string) answer {
	w.Helper()
	return w.do(http.MethodGet, path, nil, append([]string{"Accept", "text/html"}, headers...))
}

// post sends a form, of pairs of name and value.
func (w *browser) post(path string, form ...string) answer {
	w.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return w.do(http.MethodPost, path, []byte(values.Encode()), []string{
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Origin", w.url,
	})
}

func (w *browser) do(method, path string, body []byte, headers []string) answer {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.client.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// want asserts a status and what is, or after "not " is not, on a page.
func (w *browser) want(a answer, status int, texts ...string) {
	w.Helper()
	if a.status != status {
		w.Errorf("HTTP %d, want %d: %s", a.status, status, a.body)
	}
	for _, text := range texts {
		not, negative := strings.CutPrefix(text, "not ")
		if negative == strings.Contains(a.body, not) {
			w.Errorf("the page should have %q:\n%s", text, a.body)
		}
	}
}

// noSessions rejects all logins.
type noSessions struct{}

func (noSessions) OpenSession(http.ResponseWriter, *http.Request, string) (*gateway.Identity, error) {
	return nil, http.ErrNoCookie
}

func (noSessions) CloseSession(http.ResponseWriter, *http.Request) error { return nil }
