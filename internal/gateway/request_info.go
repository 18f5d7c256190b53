package gateway

import (
	"context"
	"net/http"
	"regexp"

	"github.com/oklog/ulid/v2"

	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// requestIDHeader has the id of a request: in every response, and in a request whose client has chosen it.
const requestIDHeader = "X-Request-Id"

// saneRequestID matches the ids that are safe to log and to send back.
var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$`)

// requestInfo is what the access log reports about a request besides its HTTP fields.
type requestInfo struct {
	id     string
	remote string // address of the client
	token  string // name of the token, never the secret
	app    string
	target string // the id in its path, "" for none
	// request determines the language of problems; nil outside of a request.
	request *http.Request
	// message is the id of the message that the request enqueued or concerns: the first of several of a webhook, ""
	// for a batch, whose response has the ids.
	message string
	err     string // of a WeCom-compatible response, which has status 200 even for an error
}

// language is that of the request's problems; it is computed on demand, because few requests have any.
func (i *requestInfo) language() wecom.Language {
	if i.request == nil {
		return wecom.English
	}
	return locale.Of(i.request)
}

// about records the message that the request concerns.
func (i *requestInfo) about(app App, id string) { i.app, i.message = app.Name, tasks.MessageID(id) }

// NoteMessage records, for the access log, the message that a request has enqueued.
func NoteMessage(ctx context.Context, id string) { requestInfoFrom(ctx).message = id }

type requestInfoKey struct{}

// requestInfoFrom returns a request's info, or an empty one.
func requestInfoFrom(ctx context.Context) *requestInfo {
	if info, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

// withRequestInfo gives a request its info, and with it an id.
func withRequestInfo(w http.ResponseWriter, r *http.Request) (*http.Request, *requestInfo) {
	info := &requestInfo{id: r.Header.Get(requestIDHeader), request: r}
	if !saneRequestID.MatchString(info.id) {
		info.id = ulid.Make().String()
	}
	w.Header().Set(requestIDHeader, info.id)
	return r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info)), info
}
