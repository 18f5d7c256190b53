package webhook

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// SetNow replaces Redis's clock, in Unix ms.
func (h *Handler) SetNow(now func() int64) { h.now = now }

// Flush enqueues the digests of an app that are due.
func (h *Handler) Flush(ctx context.Context, app string) error { return h.flush(ctx, app) }

// FlushLease is how long a digest belongs to the process that claimed it.
const FlushLease = flushLease

// ParseQuery gives the recipients, the type and the priority of an address.
func ParseQuery(values url.Values) (message.Recipients, message.Type, tasks.Priority, error) {
	q, err := parseQuery(values)
	return q.to, q.kind, q.priority, err
}

// Verify checks the signature of a body.
func (s Signature) Verify(header http.Header, body []byte, now time.Time) error {
	return s.verify(header, body, now)
}
