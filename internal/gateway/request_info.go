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

// requestInfo is what the access log tells of a request beyond what HTTP knows.
type requestInfo struct {
	id    string
	token string // its name, never itself
	app   string
	err   string // of a WeCom-like answer, which is HTTP 200 also when it refuses
}

type requestInfoKey struct{}

// requestInfoFrom is that of a request, or an empty one.
func requestInfoFrom(ctx context.Context) *requestInfo {
	if info, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

// withRequestInfo gives a request its id.
func withRequestInfo(w http.ResponseWriter, r *http.Request) (*http.Request, *requestInfo) {
	info := &requestInfo{id: r.Header.Get(requestIDHeader)}
	if !saneRequestID.MatchString(info.id) {
		info.id = ulid.Make().String()
	}
	w.Header().Set(requestIDHeader, info.id)
	return r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info)), info
}
