package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/cut"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// maxPushBytes limits the form of a push; a text message holds [message.MaxTextBytes].
const maxPushBytes = 64 << 10

// pushReceipt is the response to a push.
type pushReceipt struct {
	Receipt

	// Cut is set if title and content exceeded the limit of a text message.
	Cut bool `json:"cut,omitempty"`
}

// servePush serves scripts that can only request a URL.
func (g *Gateway) servePush() {
	g.mux.HandleFunc("/push", func(w http.ResponseWriter, r *http.Request) {
		receipt, err := g.push(w, r) //nolint:contextcheck // its own is derived from the request's
		if err != nil {
			g.fail(w, r, err)
			return
		}
		problem.WriteJSON(w, http.StatusAccepted, "application/json", receipt)
	})
}

// push enqueues a script's message. Only GET and POST send: previews of links often use HEAD, or identify themselves.
func (g *Gateway) push(w http.ResponseWriter, r *http.Request) (pushReceipt, error) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		return pushReceipt{}, fmt.Errorf("%w: push by GET or POST", problem.ErrMethod)
	case looksAhead(r.Header):
		return pushReceipt{}, fmt.Errorf("%w: a look ahead at the address sends nothing", problem.ErrForbidden)
	}
	r, given, err := g.readPush(w, r)
	if err != nil {
		return pushReceipt{}, err
	}
	ctx := r.Context()
	app, err := IdentityFrom(ctx).App(given.Get("app"))
	if err != nil {
		return pushReceipt{}, err
	}
	receipt := pushReceipt{}
	m, err := receipt.message(given)
	if err != nil {
		return pushReceipt{}, err
	}
	m.Options.Priority = IdentityFrom(ctx).Token.Priority
	if m, err = g.prepare(ctx, app, m); err != nil {
		return pushReceipt{}, err
	}
	accepted, err := g.enqueueOnce(ctx, app, m, []byte("push\x00"+given.Encode()), problem.Status)
	receipt.Receipt = receiptOf(accepted)
	return receipt, err
}

// looksAhead reports whether a browser or a preview requests the link before a user has followed it.
func looksAhead(header http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, word := range []string{"prefetch", "preview", "prerender"} {
			if strings.Contains(strings.ToLower(header.Get(name)), word) {
				return true
			}
		}
	}
	return false
}

// readPush identifies the client and reads the query, and the form of a POST, whose values take precedence. If
// the token is in the form, the form is read with the limits of a stranger's body.
func (g *Gateway) readPush(w http.ResponseWriter, r *http.Request) (*http.Request, url.Values, error) {
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return r, nil, fmt.Errorf("%w: the query: %w", problem.ErrMalformed, err)
	}
	secret := cmp.Or(bearer(r), given.Get("token"))
	if secret != "" || r.Method == http.MethodGet {
		if r, err = g.authorizePush(r, secret); err != nil {
			return r, nil, err
		}
	}
	if r.Method == http.MethodPost {
		form, err := readForm(w, r, secret != "")
		if err != nil {
			return r, nil, err
		}
		maps.Copy(given, form)
	}
	if secret == "" {
		r, err = g.authorizePush(r, given.Get("token"))
	}
	given.Del("token")
	return r, given, err
}

func (g *Gateway) authorizePush(r *http.Request, secret string) (*http.Request, error) {
	identity, err := g.admit(r, DoorPush, secret)
	if err != nil {
		return r, err
	}
	r = g.withIdentity(r, identity)
	return r, identity.Allow(config.ScopeSend)
}

// readForm reads the form of an authenticated client, or of a stranger.
func readForm(w http.ResponseWriter, r *http.Request, known bool) (url.Values, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "" && kind != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("%w: Content-Type %.80q; push application/x-www-form-urlencoded, and post JSON to /v1/messages", problem.ErrMediaType, kind)
	}
	limit, pace := int64(maxPushBytes), intake.Whole
	if !known {
		limit, pace = intake.MaxStrangerBytes, intake.Stranger
	}
	body, err := intake.Read(w, r, limit, pace)
	if errors.Is(err, problem.ErrTooLarge) && !known {
		return nil, fmt.Errorf("%w; with the token in the header Authorization it may have %d", err, maxPushBytes)
	}
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("%w: the form: %w", problem.ErrMalformed, err)
	}
	return form, nil
}

// message is the pushed message: its title, followed by its content.
func (p *pushReceipt) message(given url.Values) (tasks.Message, error) {
	text := strings.TrimSpace(strings.TrimSpace(given.Get("title")) + "\n" + strings.TrimRight(given.Get("content"), " \r\n\t"))
	to := message.Recipients{Users: envelope.IDs(given["to_user"]...), Parties: envelope.IDs(given["to_party"]...), Tags: envelope.IDs(given["to_tag"]...)}
	switch {
	case text == "":
		return tasks.Message{}, invalid("content", "missing; set title, content or both")
	case !utf8.ValidString(text):
		return tasks.Message{}, invalid("content", "not UTF-8; convert it first, for example with iconv -f GBK -t UTF-8")
	case to.Count() == 0:
		return tasks.Message{}, invalid("to_user", "nobody is named; set to_user, to_party or to_tag")
	}
	content := cut.Bytes(text, message.MaxTextBytes)
	p.Cut = content != text
	request := message.WithRecipients(message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{}, Text: message.TextField{Content: content},
	}, to)
	return tasks.Message{Request: request}, named(message.ValidateContent(request))
}

// pushNames are the parameters of a push by the members of the message.
var pushNames = map[string]string{"touser": "to_user", "toparty": "to_party", "totag": "to_tag", "text.content": "content"}

// named replaces members in an error by the parameters of a push.
func named(err error) error {
	wrong, ok := asValidation(err)
	if !ok {
		return err
	}
	named := &message.ValidationError{}
	for _, field := range wrong.Fields {
		field.Field = cmp.Or(pushNames[field.Field], field.Field)
		named.Fields = append(named.Fields, field)
	}
	return named
}
