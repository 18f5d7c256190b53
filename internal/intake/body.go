package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wecomq/wecomq/internal/jsonbound"
	"github.com/wecomq/wecomq/internal/problem"
)

// MaxStrangerBytes is the size limit of a body before its sender is authenticated: a
// token, and a few words.
const MaxStrangerBytes = 1 << 10

// Body is the body of a request that must keep a [Pace], and whose bytes are charged to the request's [Account].
// Read fails with [problem.ErrSlow] or [problem.ErrBusy] otherwise.
type Body struct {
	io.ReadCloser

	// arm sets the deadline of the next read; its error ends the body.
	arm     func(deadline time.Time) error
	pace    Pace
	account *Account // nil for a body that is not kept in memory
	waited  time.Duration
	read    int64
}

// Kept returns the body of a request that is kept in memory as a whole. A body of this package is returned unchanged.
func Kept(w http.ResponseWriter, r *http.Request, pace Pace) *Body {
	if b, ok := r.Body.(*Body); ok {
		return b
	}
	b := Uncharged(w, r, pace)
	b.account = AccountOf(r.Context())
	return b
}

// Uncharged returns a body whose memory is limited elsewhere.
func Uncharged(w http.ResponseWriter, r *http.Request, pace Pace) *Body {
	conn := http.NewResponseController(w)
	return &Body{ReadCloser: r.Body, pace: pace, arm: func(deadline time.Time) error {
		_ = conn.SetReadDeadline(deadline) // the writers of some tests support none
		return nil
	}}
}

// Read waits for the next piece, as long as the pace allows.
func (b *Body) Read(p []byte) (int, error) {
	began := time.Now()
	if err := b.arm(began.Add(b.pace.allows(b.read) - b.waited)); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	b.waited += time.Since(began)
	b.read += int64(n)
	if busy := b.account.Take(int64(n)); busy != nil {
		return 0, busy
	}
	switch {
	case errors.Is(err, io.EOF):
		_ = b.arm(time.Time{}) // if it passed later, it would look like a disconnected client
	case timedOut(err):
		err = fmt.Errorf("%w: %d bytes in %s", problem.ErrSlow, b.read, b.waited.Round(time.Second))
	}
	return n, err
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// Read reads a whole body of at most limit bytes.
func Read(w http.ResponseWriter, r *http.Request, limit int64, pace Pace) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, Kept(w, r, pace), limit))
	switch {
	case err == nil:
		return data, nil
	case OverLimit(err):
		return nil, fmt.Errorf("%w: over %d bytes", problem.ErrTooLarge, limit)
	case errors.Is(err, problem.ErrBusy), errors.Is(err, problem.ErrSlow):
		return nil, err
	}
	return nil, fmt.Errorf("%w: the body broke off", problem.ErrMalformed)
}

// Bound checks JSON before it is decoded, and charges its decoded size. An error is a [*jsonbound.Error], or
// [problem.ErrBusy].
func Bound(ctx context.Context, data []byte, bounds jsonbound.Bounds) error {
	decoded, err := bounds.Check(data)
	if err != nil {
		return fmt.Errorf("%w: %w", problem.ErrMalformed, err)
	}
	return AccountOf(ctx).Take(decoded)
}

// OverLimit distinguishes a body that is too large from one that was cut off.
func OverLimit(err error) bool {
	_, over := errors.AsType[*http.MaxBytesError](err)
	return over
}
