package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// wecomPrefixes are the prefixes of /cgi-bin/, with which clients that only have a base URL choose the priority.
var wecomPrefixes = map[string]tasks.Priority{
	"": "", "/critical": tasks.Critical, "/default": tasks.Default, "/bulk": tasks.Bulk,
}

// wecomCall is one request to the WeCom-compatible API.
type wecomCall struct {
	*Gateway

	w        http.ResponseWriter
	r        *http.Request
	priority tasks.Priority // from the path
	identity *Identity
}

// wecomReply is a response in WeCom's format.
type wecomReply interface {
	set(code wecom.Code, msg string)
}

// wecomStatus is the common part of all responses.
type wecomStatus struct {
	ErrCode wecom.Code `json:"errcode"`
	ErrMsg  string     `json:"errmsg"`
}

func (s *wecomStatus) set(code wecom.Code, msg string) { s.ErrCode, s.ErrMsg = code, msg }

// serveWeCom serves the APIs that WeCom's clients call. As at WeCom, the method does not matter: a GET instead
// of a POST just has an empty body.
func (g *Gateway) serveWeCom() {
	for prefix, priority := range wecomPrefixes {
		handle := func(path string, serve func(*wecomCall) (wecomReply, error)) {
			g.mux.HandleFunc(prefix+"/cgi-bin/"+path, func(w http.ResponseWriter, r *http.Request) {
				c := &wecomCall{Gateway: g, w: w, r: r, priority: priority}
				reply, err := serve(c)
				c.answer(reply, err) //nolint:contextcheck // the call holds its request
			})
		}
		handle(wecom.APIGetToken, (*wecomCall).getToken)
		handle(message.APISend, authorized((*wecomCall).send))
		handle(message.APIRecall, authorized((*wecomCall).recall))
		handle(message.APIUpdateTemplateCard, authorized((*wecomCall).updateCard))
		handle(wecom.APIMediaUpload, authorized((*wecomCall).upload))
		handle("", (*wecomCall).unknown)
	}
}

// authorized admits only calls with a valid access token.
func authorized(serve func(*wecomCall) (wecomReply, error)) func(*wecomCall) (wecomReply, error) {
	return func(c *wecomCall) (wecomReply, error) {
		if err := c.authorize(); err != nil {
			return nil, err
		}
		return serve(c)
	}
}

// authorize finds the identity behind the access token in the query.
func (c *wecomCall) authorize() error {
	text := c.r.URL.Query().Get("access_token")
	if text == "" {
		return refuse(41001, "access_token missing")
	}
	a, err := c.openAccess(text)
	if err == nil && a.session {
		err = errNoAccessToken
	}
	if err != nil {
		return err
	}
	identity, err := c.identify(a.secret)
	if err != nil {
		return errAccessExpired
	}
	if identity.narrow(a.corpID); len(identity.apps) == 0 {
		return errAccessExpired // its apps were removed
	}
	c.r = c.withIdentity(c.r, identity)
	c.identity = identity
	if !identity.Has(config.ScopeSend) {
		return refuse(48002, "token %q lacks the scope send", identity.Name())
	}
	return nil
}

// narrow keeps only the apps of one corp.
func (i *Identity) narrow(corpID string) {
	var apps []App
	for _, app := range i.apps {
		if app.CorpID == corpID {
			apps = append(apps, app)
		}
	}
	i.apps = apps
}

// unknown answers calls of all other APIs of WeCom.
func (c *wecomCall) unknown() (wecomReply, error) {
	return nil, refuse(48002, "wecomq passes on gettoken, message/send, message/recall, "+
		"message/update_template_card and media/upload; for the rest use WeCom itself")
}

// body reads the request's JSON.
func (c *wecomCall) body(limit int64, pace intake.Pace) ([]byte, error) {
	data, err := intake.Read(c.w, c.r, limit, pace)
	if err == nil {
		data = textfile.TrimMark(data)
		err = intake.Bound(c.r.Context(), data, envelope.MessageBounds)
	}
	switch {
	case errors.Is(err, problem.ErrTooLarge):
		return nil, refuse(40206, "%v", err)
	case errors.Is(err, problem.ErrBusy):
		return nil, err
	case err != nil:
		return nil, refuse(wecom.CodeInvalidParameter, "%v", err)
	}
	return data, nil
}

// answer writes the reply, or an error in WeCom's format.
func (c *wecomCall) answer(reply wecomReply, err error) {
	if reply == nil {
		reply = &wecomStatus{}
	}
	status := http.StatusOK
	if err != nil {
		var code wecom.Code
		var text string
		status, code, text = wecomError(err)
		info := requestInfoFrom(c.r.Context())
		info.err = text
		if _, hinted := errors.AsType[*hintedError](err); hinted {
			info.err = forLog(err)
		}
		reply.set(code, fmt.Sprintf("%s, hint: [%s]", text, info.id))
		if wait, ok := errors.AsType[*problem.WaitError](err); ok {
			c.w.Header().Set("Retry-After", wait.Header())
		}
		if status >= http.StatusInternalServerError {
			c.logFault(c.r.Context(), err)
			c.w.Header().Set("Retry-After", strconv.Itoa(int(problem.RetryAfter.Seconds())))
		}
	}
	problem.WriteJSON(c.w, status, "application/json; charset=UTF-8", reply)
}

// refusalError is an errcode with our own text.
type refusalError struct {
	code wecom.Code
	text string
}

func (r *refusalError) Error() string { return r.text }

func refuse(code wecom.Code, format string, args ...any) error {
	return &refusalError{code: code, text: fmt.Sprintf(format, args...)}
}

// wecomError translates an error for WeCom's clients. An unavailable Redis and internal errors are HTTP 5xx:
// Alertmanager retries after those, but drops the alert after an errcode.
func wecomError(err error) (status int, code wecom.Code, text string) {
	if refusal, ok := errors.AsType[*refusalError](err); ok {
		return http.StatusOK, refusal.code, refusal.text
	}
	if code, text, ok := upstream(err); ok {
		return http.StatusOK, code, text
	}
	if invalid, ok := asValidation(err); ok {
		return http.StatusOK, invalid.Fields[0].Code(), invalid.Error()
	}
	if status, ok := tooOften(err); ok {
		return status, 45009, "api freq out of limit: " + err.Error()
	}
	switch {
	case errors.Is(err, errNoAccessToken):
		return http.StatusOK, 40014, "invalid access_token"
	case errors.Is(err, errTokenTooLong):
		return http.StatusOK, 40001, err.Error()
	case errors.Is(err, errAccessExpired):
		return http.StatusOK, 42001, err.Error()
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict), errors.As(err, new(*tasks.KeyReuseError)):
		return http.StatusOK, wecom.CodeInvalidParameter, err.Error()
	case errors.Is(err, problem.ErrForbidden), errors.As(err, new(*budget.ForbiddenError)):
		return http.StatusOK, 301002, err.Error()
	}
	switch problem.Status(err) {
	case http.StatusBadGateway:
		return http.StatusOK, -1, "WeCom did not answer: " + err.Error()
	case http.StatusServiceUnavailable:
		return http.StatusServiceUnavailable, -1, "system busy: " + unavailable(err)
	}
	return http.StatusInternalServerError, -1, "system busy: internal error in wecomq; see its log"
}

// tooOften is the status of an exceeded limit: HTTP 200 for messages, as at WeCom; 429 for guessed tokens, which
// do not come from WeCom's clients.
func tooOften(err error) (status int, ok bool) {
	switch {
	case errors.As(err, new(*budget.SpentError)):
		return http.StatusOK, true
	case errors.As(err, new(*problem.WaitError)):
		return http.StatusTooManyRequests, true
	}
	return 0, false
}

// upstream is the public part of WeCom's error. If WeCom refused the app's access token, which belongs to
// wecomq, the client gets no token code: it would look for the fault in its own token.
func upstream(err error) (code wecom.Code, text string, ok bool) {
	const ours = "system busy: WeCom refused wecomq's own credentials of the app: "
	if held, ok := errors.AsType[*wecom.TokenHeldError](err); ok {
		return -1, ours + held.Error(), true
	}
	answer, ok := errors.AsType[*wecom.Error](err)
	switch {
	case !ok:
		return 0, "", false
	case answer.API == wecom.APIGetToken || wecom.ClassOf(answer) == wecom.ClassToken:
		return -1, fmt.Sprintf("%s%d %s", ours, answer.Code, answer.Words()), true
	}
	return answer.Code, answer.Words(), true
}
