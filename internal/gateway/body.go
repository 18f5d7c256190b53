package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

// bodyTime is how long a body may take to arrive.
const bodyTime = 30 * time.Second

// readBody reads a whole body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyTime)) // the writers of some tests support no deadlines
	data, err := io.ReadAll(http.MaxBytesReader(w, metered(r), limit))
	switch {
	case errors.Is(err, problem.ErrBusy):
		return nil, err
	case overLimit(err):
		return nil, fmt.Errorf("%w: over %d bytes", problem.ErrTooLarge, limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%w: %s", problem.ErrSlow, bodyTime)
	case err != nil:
		return nil, fmt.Errorf("%w: the body broke off", problem.ErrMalformed)
	}
	_ = conn.SetReadDeadline(time.Time{})
	return data, nil
}

// overLimit tells a body that is too large from one that was cut off.
func overLimit(err error) bool {
	_, over := errors.AsType[*http.MaxBytesError](err)
	return over
}

// rawBody is a body that huma does not parse. It is taken for JSON whatever its
// Content-Type, because curl sends a form's by default.
type rawBody struct {
	data []byte
	err  error
}

// Resolve reads the body.
func (b *rawBody) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	b.data, b.err = readBody(w, r, message.MaxBodyBytes)
	return nil // the handler returns b.err, as a problem of ours
}
