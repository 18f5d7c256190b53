package pages_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/pages"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// bundle is the pages of two apps, hr and ops, behind a gateway, with a real Redis
// and a simulated WeCom. The tests themselves are the worker.
type bundle struct {
	*testing.T
	redis *redistest.Server
	rdb   redis.UniversalClient
	sim   *wecomtest.Simulator
	wecom *message.Client
	url   string
}

// The tokens of the bundle.
const (
	admin  = "admin-token"
	reader = "reader-token" // of ops only
	sender = "sender-token" // may not read
)

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{T: t, redis: redistest.Start(t)}
	b.rdb = b.redis.Client()
	b.startWeCom()
	var g *gateway.Gateway
	p, err := pages.New(pages.Config{
		OpenSession: func(w http.ResponseWriter, r *http.Request, secret string) (*gateway.Identity, error) {
			return g.OpenSession(w, r, secret)
		},
		Dashboard: "/dashboard", ShowDashboard: func(i *gateway.Identity) bool { return len(i.Apps()) == 2 },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Reload([]pages.App{b.app("hr"), b.app("ops")})
	both := []string{"hr", "ops"}
	g, err = gateway.New(gateway.Config{
		Services: gateway.Services{Queue: unused{}, Records: unused{}},
		Settings: gateway.Settings{Apps: []gateway.App{{Name: "hr"}, {Name: "ops"}}, Tokens: []config.Token{
			token(admin, both, config.ScopeRead, config.ScopeAdmin), token(reader, []string{"ops"}, config.ScopeRead), token(sender, both, config.ScopeSend),
		}},
		Routes: p.Routes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// unused are the parts of a gateway that the pages have nothing to do with.
type unused struct {
	gateway.Queue
	gateway.Records
}

func token(secret string, apps []string, scopes ...config.Scope) config.Token {
	return config.Token{Name: secret, SHA256: sha256.Sum256([]byte(secret)), Apps: apps, Scopes: scopes}
}

func (b *bundle) startWeCom() {
	b.Helper()
	sim, err := wecomtest.New(wecomtest.Rules{})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(sim)
	b.Cleanup(server.Close)
	client, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.sim, b.wecom = sim, message.NewClient(client, strconv.Itoa(wecomtest.AgentID))
}

func (b *bundle) ledger(app string) *ledger.Ledger { return ledger.New(b.rdb, app, time.Hour) }

func (b *bundle) app(name string) pages.App {
	state := apps.New(b.rdb)
	state.Add(name, tasks.DefaultLimits(), nil)
	records := b.ledger(name)
	return pages.App{
		Name: name, State: state, Queues: state, Finder: lookup.New(b.rdb, name, records), Records: records,
		Operator: operator.New(operator.Config{Redis: b.rdb, App: name, Ledger: records, Recaller: b.wecom}),
	}
}

// send enqueues a text, and returns its id.
func (b *bundle) send(app, to, content string) string {
	b.Helper()
	p, err := producer.New(b.rdb, producer.Config{App: app})
	if err != nil {
		b.Fatal(err)
	}
	receipt, err := p.Send(b.Context(), message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Text: message.TextField{Content: content},
	}, producer.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return receipt.ID
}

// settle writes down what became of a message, as a worker does.
func (b *bundle) settle(app, id string, s tasks.Settlement) {
	b.Helper()
	payload, err := lookup.New(b.rdb, app, b.ledger(app)).Payload(b.Context(), id, message.TypeText)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.ledger(app).Settle(b.Context(), payload, s); err != nil {
		b.Fatal(err)
	}
}

// reject makes a message a dead letter.
func (b *bundle) reject(app, id string) {
	b.Helper()
	b.settle(app, id, tasks.Settlement{State: tasks.Rejected, ErrCode: 81013, ErrMsg: "all <b>invalid</b>"})
}

// browser keeps cookies, and asks as a browser does.
type browser struct {
	*bundle
	client http.Client
}

// open logs a browser in; without a token it is nobody's.
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

func textTo(user string) message.SendTextRequest {
	return message.SendTextRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: user}, Text: message.TextField{Content: "sent"}}
}

func setupSession(http.ResponseWriter, *http.Request, string) (*gateway.Identity, error) {
	return nil, http.ErrNoCookie
}
