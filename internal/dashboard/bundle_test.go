package dashboard_test

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/dashboard"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/redistest"
)

// bundle is the dashboard of a real Redis, behind a gateway.
type bundle struct {
	t     *testing.T
	rdb   *redis.Client
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
	opts, err := redis.ParseURL(redistest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{t: t, rdb: redis.NewClient(opts)}
	t.Cleanup(func() { _ = b.rdb.Close() })
	b.tasks = asynq.NewClientFromRedisClient(b.rdb)
	board, err := dashboard.New(dashboard.Config{Redis: b.rdb, Apps: func() []string { return []string{"hr", "ops"} }})
	if err != nil {
		t.Fatal(err)
	}
	both := []string{"hr", "ops"}
	g, err := gateway.New(gateway.Config{
		Services: gateway.Services{Queue: unused{}, Records: unused{}},
		Settings: gateway.Settings{
			Apps: []gateway.App{{Name: "hr"}, {Name: "ops"}},
			Tokens: []config.Token{
				token(admin, both, config.ScopeRead, config.ScopeAdmin), token(reader, both, config.ScopeRead),
				token(partial, []string{"ops"}, config.ScopeRead, config.ScopeAdmin), token(sender, both, config.ScopeSend),
			},
		},
		Routes: []gateway.Route{board.Route("/login")},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// unused are the parts of a gateway that the dashboard has nothing to do with.
type unused struct {
	gateway.Queue
	gateway.Records
}

func token(secret string, apps []string, scopes ...config.Scope) config.Token {
	return config.Token{Name: secret, SHA256: sha256.Sum256([]byte(secret)), Apps: apps, Scopes: scopes}
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

// enqueue puts tasks of a type into a queue.
func (b *bundle) enqueue(queue, typeName string, payloads ...string) {
	b.t.Helper()
	for _, payload := range payloads {
		if _, err := b.tasks.EnqueueContext(context.WithoutCancel(b.t.Context()), asynq.NewTask(typeName, []byte(payload)), asynq.Queue(queue)); err != nil {
			b.t.Fatal(err)
		}
	}
}
