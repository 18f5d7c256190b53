package webhook

import "context"

// SetNow replaces Redis's clock, in Unix ms.
func (h *Handler) SetNow(now func() int64) { h.now = now }

// Flush enqueues the digests of an app that are due.
func (h *Handler) Flush(ctx context.Context, app string) error { return h.flush(ctx, app) }

// FlushLease is how long a digest belongs to the process that claimed it.
const FlushLease = flushLease
