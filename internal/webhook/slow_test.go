package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/webhook"
)

// slowConn is a connection whose body does not arrive, and which supports a read deadline.
type slowConn struct {
	*httptest.ResponseRecorder

	deadline time.Time
}

func (c *slowConn) SetReadDeadline(t time.Time) error { c.deadline = t; return nil }

func (c *slowConn) Read([]byte) (int, error) {
	if c.deadline.IsZero() || time.Until(c.deadline) > 30*time.Second {
		return 0, io.EOF
	}
	return 0, os.ErrDeadlineExceeded
}

func TestABodyThatDoesNotComeIsSentAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t, testConfig())
	conn := &slowConn{ResponseRecorder: httptest.NewRecorder()}
	b.Handle(webhook.Alertmanager, "ops", conn, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?to_user=a", conn))
	if conn.Code != http.StatusServiceUnavailable || conn.Header().Get("Retry-After") == "" {
		t.Errorf("HTTP %d: %s", conn.Code, conn.Body)
	}
}
