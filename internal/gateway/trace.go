package gateway

import (
	"context"
	"net/http"
	"regexp"

	"github.com/oklog/ulid/v2"
)

// requestIDHeader names a request, in the answer always and in the request if
// the client has a name for it.
const requestIDHeader = "X-Request-Id"

// saneRequestID is what may go into a log and back into a header.
var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$`)

// trace is what the access log tells of a request beyond what HTTP knows.
type trace struct {
	id    string
	token string // its name, never itself
	app   string
	err   string // of a WeCom-like answer, which is HTTP 200 also when it refuses
}

type traceKey struct{}

// traceFrom is the trace of a request, or an empty one.
func traceFrom(ctx context.Context) *trace {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok {
		return t
	}
	return &trace{}
}

// withTrace gives a request its id.
func withTrace(w http.ResponseWriter, r *http.Request) (*http.Request, *trace) {
	t := &trace{id: r.Header.Get(requestIDHeader)}
	if !saneRequestID.MatchString(t.id) {
		t.id = ulid.Make().String()
	}
	w.Header().Set(requestIDHeader, t.id)
	return r.WithContext(context.WithValue(r.Context(), traceKey{}, t)), t
}
