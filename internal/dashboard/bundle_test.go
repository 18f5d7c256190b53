package dashboard_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/redistest"
)

// bundle is a gateway of two apps, hr and ops, with its dashboard and a real Redis.
type bundle struct {
	t     *testing.T
	redis *redistest.Server
	log   *logtest.Transcript
	rdb   redis.UniversalClient
	tasks *asynq.Client
	url   string
}

// The tokens of the bundle.
const (
	admin   = "admin-token"
	reader  = "reader-token"
	partial = "partial-token" // may not use all apps
	sender  = "sender-token"  // may not read
)

func setup(t *testing.T) *bundle {
	t.Helper()
	both := []string{"hr", "ops"}
	server := redistest.Start(t)
	d := daemontest.New(t, daemontest.Config{RedisURL: server.URL(), Apps: both, Tokens: []config.Token{
		daemontest.Token(admin, both, config.ScopeRead, config.ScopeAdmin),
		daemontest.Token(reader, both, config.ScopeRead),
		daemontest.Token(partial, []string{"ops"}, config.ScopeRead, config.ScopeAdmin),
		daemontest.Token(sender, both, config.ScopeSend),
	}})
	b := &bundle{t: t, redis: server, log: d.Log, rdb: d.Redis, tasks: asynq.NewClientFromRedisClient(d.Redis)}
	b.url, _ = d.Start(daemon.Config{Gateway: true})
	return b
}

type answer struct {
	status int
	header http.Header
	body   string
}

// ask makes a request with a token; headers are pairs of name and value.
func (b *bundle) ask(token, method, path string, headers ...string) answer {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := (&http.Client{CheckRedirect: stay}).Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (b *bundle) wantStatus(a answer, want int) {
	b.t.Helper()
	if a.status != want {
		b.t.Errorf("HTTP %d, want %d: %s", a.status, want, strings.TrimSpace(a.body))
	}
}

// enqueue enqueues tasks of a type.
func (b *bundle) enqueue(queue, typeName string, payloads ...string) {
	b.t.Helper()
	for _, payload := range payloads {
		if _, err := b.tasks.EnqueueContext(context.WithoutCancel(b.t.Context()), asynq.NewTask(typeName, []byte(payload)), asynq.Queue(queue)); err != nil {
			b.t.Fatal(err)
		}
	}
}
