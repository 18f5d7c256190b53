package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// The tokens of a bundle, and a second app beside the simulator's "ops".
const (
	rootToken   = "root-token-0123456789abcdef"
	senderToken = "sender-token-0123456789abcdef"
	readerToken = "reader-token-0123456789abcdef"
	hrAgentID   = "1000003"
)

func settings(client gateway.WeCom) gateway.Settings {
	token := func(name, secret string, apps []string, scopes ...config.Scope) config.Token {
		return config.Token{Name: name, SHA256: sha256.Sum256([]byte(secret)), Apps: apps, Scopes: scopes}
	}
	return gateway.Settings{
		Apps: []gateway.App{
			{Name: "hr", CorpID: wecomtest.CorpID, AgentID: hrAgentID, WeCom: client},
			{Name: "ops", CorpID: wecomtest.CorpID, AgentID: strconv.Itoa(wecomtest.AgentID), WeCom: client},
			{Name: "else", CorpID: "wwelse", AgentID: strconv.Itoa(wecomtest.AgentID), WeCom: client},
		},
		Tokens: []config.Token{
			token("root", rootToken, []string{"hr", "ops", "else"}, config.ScopeSend, config.ScopeRead, config.ScopeAdmin),
			token("sender", senderToken, []string{"ops"}, config.ScopeSend),
			token("reader", readerToken, []string{"ops"}, config.ScopeRead),
		},
	}
}

// bundle is a gateway with a Redis and a simulated WeCom of its own, behind a
// real server.
type bundle struct {
	*testing.T

	*gateway.Gateway
	rdb   redis.UniversalClient
	sim   *wecomtest.Simulator
	wecom *wecom.Client
	url   string
	log   *logtest.Transcript
	stop  func() // asks the process to end
	now   *clock
}

// newBundle starts it; change adjusts the config.
func newBundle(t *testing.T, change ...func(*gateway.Config)) *bundle {
	t.Helper()
	return newBundleOn(t, redistest.New(t), change...)
}

func newBundleOn(t *testing.T, rdb redis.UniversalClient, change ...func(*gateway.Config)) *bundle {
	t.Helper()
	b := &bundle{T: t, rdb: rdb, log: &logtest.Transcript{}, now: &clock{at: time.Now()}}
	b.sim = must(wecomtest.New(wecomtest.Rules{Invisible: []string{"left.company"}}))
	simServer := httptest.NewServer(b.sim)
	t.Cleanup(simServer.Close)
	b.wecom = must(wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: simServer.URL}))
	stopping := make(chan struct{})
	b.stop = sync.OnceFunc(func() { close(stopping) })
	cfg := gateway.Config{
		Services: gateway.Services{Queue: b, Records: b, Recaller: b, Ready: func(ctx context.Context) error { return rdb.Ping(ctx).Err() }},
		Settings: settings(b.wecom), Stopping: stopping, Logger: zerolog.New(b.log), Version: "test", Now: b.now.time,
	}
	for _, c := range change {
		c(&cfg)
	}
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

// Enqueue implements gateway.Queue with a real producer.
func (b *bundle) Enqueue(ctx context.Context, app string, messages []gateway.Message) []gateway.Result {
	p := must(producer.New(b.rdb, producer.Config{App: app}))
	results := make([]gateway.Result, len(messages))
	for i, m := range messages {
		receipt, err := p.Send(ctx, m.Request, producer.Options{
			Priority: m.Priority, At: m.ProcessAt, ExpiresIn: m.ExpiresIn, IdempotencyKey: m.IdempotencyKey,
		})
		if _, away := errors.AsType[*producer.RedisError](err); away {
			err = fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
		}
		results[i] = gateway.Result{Receipt: gateway.Receipt{ID: receipt.ID, State: receipt.State, Duplicate: receipt.Duplicate}, Err: err}
	}
	return results
}

// Record implements gateway.Records.
func (b *bundle) Record(ctx context.Context, app, id string) (tasks.Record, error) {
	record, err := lookup.New(b.rdb, app, ledger.New(b.rdb, app, time.Hour)).Message(ctx, id)
	switch {
	case errors.Is(err, lookup.ErrNotFound):
		return record, gateway.ErrNotFound
	case err != nil:
		return record, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return record, nil
}

// Recall implements gateway.Recaller.
func (b *bundle) Recall(ctx context.Context, app, id string) (tasks.Record, error) {
	record, err := b.Record(ctx, app, id)
	if err != nil {
		return record, err
	}
	if record.MsgID == "" {
		return record, fmt.Errorf("%w: it is %s", gateway.ErrConflict, record.State)
	}
	_, err = message.NewClient(b.wecom, "").RecallContext(ctx, message.RecallRequest{MsgID: record.MsgID})
	return record, err
}

// work runs a worker of "ops" until the end of the test.
func (b *bundle) work() {
	b.Helper()
	w := must(worker.New(worker.Config{Redis: b.rdb, Apps: []worker.App{{
		Name: "ops", AgentID: strconv.Itoa(wecomtest.AgentID), Sender: b.wecom, RecordTTL: time.Hour, Concurrency: 4, OnUnknown: worker.Resend,
	}}}))
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
}

// answer is what a request came to.
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

// decoded is a JSON text as a value.
func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// problem is what application/problem+json says.
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

// problem checks that an answer is one, and gives it.
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
		record, err := b.Record(b.Context(), app, id)
		if err != nil {
			b.Fatal(err)
		}
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

// same compares what is there with what should be.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const textBody = `{"touser":"zhangsan","msgtype":"text","text":{"content":"hello"}}`
