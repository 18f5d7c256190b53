package daemon

import (
	"context"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redisconn"
)

func ready(context.Context) error { return nil }

// get asks a handler and returns status and body.
func get(t *testing.T, handler http.Handler, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	gone := func(context.Context) error { return redisconn.Explain("redis://inner:6379/3", syscall.ECONNREFUSED) }
	tests := map[string]struct {
		path  string
		ready func(context.Context) error
		code  int
		body  string
	}{
		"a worker that can work is ready":           {path: "/readyz", ready: ready, code: http.StatusOK, body: "ok\n"},
		"one that cannot says why, but not where":   {path: "/readyz", ready: gone, code: http.StatusServiceUnavailable, body: "Redis: connection refused\n"},
		"and is alive, so that nobody restarts it":  {path: "/healthz", ready: gone, code: http.StatusOK, body: "ok\n"},
		"there is nothing else to see for visitors": {path: "/", ready: ready, code: http.StatusNotFound, body: "404 page not found\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, body := get(t, healthHandler(http.NotFoundHandler(), tt.ready, zerolog.Nop()), tt.path)
			if code != tt.code || body != tt.body {
				t.Errorf("GET %s = %d %q, want %d %q", tt.path, code, body, tt.code, tt.body)
			}
		})
	}
}
