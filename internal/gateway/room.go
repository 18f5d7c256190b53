package gateway

import (
	"context"
	"io"
	"net/http"

	"golang.org/x/sync/semaphore"
)

// maxBodiesBytes bounds the bodies of all requests that are in memory at once. What
// is made of a body takes several times its size.
const maxBodiesBytes = 64 << 20

// room is the share of [maxBodiesBytes] that a request has, from the first byte of
// its body until it is answered.
type room struct {
	all   *semaphore.Weighted // nil: no bound
	taken int64
}

func (m *room) take(n int64) error {
	if m.all == nil {
		return nil
	}
	if !m.all.TryAcquire(n) {
		return errBusy
	}
	m.taken += n
	return nil
}

func (m *room) release() {
	if m.all != nil {
		m.all.Release(m.taken)
	}
}

// meteredBody takes room for what is read.
type meteredBody struct {
	io.ReadCloser

	room *room
}

// metered is the body of a request that is kept as a whole.
func metered(r *http.Request) io.ReadCloser {
	return &meteredBody{r.Body, roomFrom(r.Context())}
}

// Read implements [io.Reader].
func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if busy := b.room.take(int64(n)); busy != nil {
		return 0, busy
	}
	return n, err
}

type roomKey struct{}

// roomFrom is the room of a request, or one without a bound.
func roomFrom(ctx context.Context) *room {
	if m, ok := ctx.Value(roomKey{}).(*room); ok {
		return m
	}
	return &room{}
}

// withRoom gives a request its share, which must be released.
func (g *Gateway) withRoom(r *http.Request) (*http.Request, *room) {
	m := &room{all: g.bodies}
	return r.WithContext(context.WithValue(r.Context(), roomKey{}, m)), m
}
