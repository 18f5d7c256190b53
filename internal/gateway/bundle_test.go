package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// The tokens of a bundle, and a second app besides the simulator's "ops".
const (
	rootToken     = "root-token-0123456789abcdef"
	senderToken   = "sender-token-0123456789abcdef"
	readerToken   = "reader-token-0123456789abcdef"
	approverToken = "approver-token-0123456789abcdef"
	secondToken   = "second-token-0123456789abcdef"
	recallerToken = "recaller-token-0123456789abcdef"
	approvalAbove = 10
	hrAgentID     = "1000003"
)

// tokens are those of the bundle, by what they may do.
func tokens() []config.Token {
	token := func(name, secret string, apps []string, scopes ...config.Scope) config.Token {
		t := daemontest.Token(secret, apps, scopes...)
		t.Name = name
		return t
	}
	return []config.Token{
		token("root", rootToken, []string{"hr", "ops", "else"}, config.ScopeSend, config.ScopeRead, config.ScopeAdmin),
		token("sender", senderToken, []string{"ops"}, config.ScopeSend),
		token("reader", readerToken, []string{"ops"}, config.ScopeRead),
		token("approver", approverToken, []string{"ops"}, config.ScopeSend, config.ScopeApprove),
		token("recaller", recallerToken, []string{"ops"}, config.ScopeSend, config.ScopeRecall),
		token("second", secondToken, []string{"ops"}, config.ScopeApprove),
	}
}

// bundle is the gateway of a deployment of its own, behind a real server.
type bundle struct {
	*testing.T
	*gateway.Gateway

	*daemontest.Deployment
	rdb      redis.UniversalClient
	sim      *wecomtest.Simulator
	log      *logtest.Transcript
	settings gateway.Settings
	url      string
	stop     func() // requests the process to end
	now      *clock
}

// newBundle starts a bundle; change adjusts the config.
func newBundle(t *testing.T, change ...func(*gateway.Config)) *bundle {
	t.Helper()
	return newBundleOn(t, "", change...)
}

// newBundleOn does the same with an existing Redis.
func newBundleOn(t *testing.T, redisURL string, change ...func(*gateway.Config)) *bundle {
	t.Helper()
	b := &bundle{T: t, now: &clock{at: time.Now()}}
	b.Deployment = daemontest.New(t, daemontest.Config{
		RedisURL: redisURL, Rules: wecomtest.Rules{Invisible: []string{"left.company"}},
		Apps: []string{"hr", "ops", "else"}, Tokens: tokens(),
		Change: func(cfg *config.Config) {
			cfg.Apps["hr"].AgentID = hrAgentID
			cfg.Apps["else"].CorpID = "wwelse"
			cfg.Broadcast.ApprovalAbove = approvalAbove
		},
	})
	b.rdb, b.sim, b.log = b.Redis, b.WeCom, b.Log
	stopping := make(chan struct{})
	b.stop = sync.OnceFunc(func() { close(stopping) })
	cfg := must(b.GatewayConfig())
	cfg.Stopping, cfg.Now = stopping, b.now.time
	for _, c := range change {
		c(&cfg)
	}
	b.settings = cfg.Settings
	b.Gateway = must(gateway.New(cfg))
	server := httptest.NewServer(b.Gateway)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// ended reports whether a message of the app "ops" has ended.
func (b *bundle) ended(id string) bool {
	record, err := b.FinderOf("ops").Message(b.Context(), id)
	return err == nil && record.State.Final()
}

// work runs a worker of "ops" until the end of the test.
func (b *bundle) work() {
	b.Helper()
	b.Start(daemon.Config{Worker: true, Apps: []string{"ops"}})
}

// answer is the response to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// do makes a request. Headers are "Name: value".
func (b *bundle) do(method, path, body string, headers ...string) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	return b.answerOf(http.DefaultClient, r)
}

func (b *bundle) answerOf(client *http.Client, r *http.Request) answer {
	b.Helper()
	response, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// as is the header of a token.
func as(token string) string { return "Authorization: Bearer " + token }

// decoded decodes a JSON text.
func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// problem is the content of application/problem+json.
type problem struct {
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
	Errors    []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// problem checks that a response is a problem, and returns it.
func (b *bundle) problem(a answer) problem {
	b.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		b.Fatalf("Content-Type %q of %s", got, a.body)
	}
	p := decoded[problem](b.T, a.body)
	if p.Status != a.status || p.Title != http.StatusText(a.status) {
		b.Errorf("HTTP %d, but %s", a.status, a.body)
	}
	return p
}

// locations are the fields that a problem names.
func (p problem) locations() []string {
	names := []string{}
	for _, e := range p.Errors {
		names = append(names, e.Location)
	}
	return names
}

// stored is the payload of a task in the queue.
func (b *bundle) stored(id string) tasks.Payload {
	b.Helper()
	for _, priority := range tasks.Priorities() {
		app := must(tasks.AppOf(id))
		key := "asynq:{" + tasks.Queue(app, priority) + "}:t:" + id
		if n, err := b.rdb.Exists(b.Context(), key).Result(); err != nil || n == 0 {
			continue
		}
		record := must(b.FinderOf(app).Message(b.Context(), id))
		return tasks.Payload{ID: record.ID, App: record.App, Priority: record.Priority, Type: record.Type}
	}
	b.Fatalf("%s is in no queue", id)
	return tasks.Payload{}
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// same compares a value with the expected one.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const textBody = `{"touser":"zhangsan","msgtype":"text","text":{"content":"hello"}}`
