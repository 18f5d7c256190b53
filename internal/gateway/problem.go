package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// retryAfter is what a client is asked to wait while Redis is away.
const retryAfter = 5 * time.Second

// statuses is the one table from errors to HTTP statuses, the first match first.
// An error that is not in it is a fault of ours: 500, and its text stays here.
var statuses = []struct {
	matches func(error) bool
	status  int
}{
	{is(errMalformed), http.StatusBadRequest},
	{is(errUnauthorized), http.StatusUnauthorized},
	{is(errForbidden), http.StatusForbidden},
	{is(ErrNotFound), http.StatusNotFound},
	{is(errNoRoute), http.StatusNotFound},
	{is(errMethod), http.StatusMethodNotAllowed},
	{is(errSlow), http.StatusRequestTimeout},
	{is(ErrConflict), http.StatusConflict},
	{is(errTooLarge), http.StatusRequestEntityTooLarge},
	{as[*message.ValidationError], http.StatusUnprocessableEntity},
	{is(errNotThere), http.StatusNotImplemented},
	{as[*wecom.Error], http.StatusBadGateway},
	{as[*wecom.CallError], http.StatusBadGateway},
	{as[*wecom.TokenHeldError], http.StatusBadGateway},
	{is(ErrUnavailable), http.StatusServiceUnavailable},
	{is(errStopping), http.StatusServiceUnavailable},
	{is(errBusy), http.StatusServiceUnavailable},
	{is(context.DeadlineExceeded), http.StatusServiceUnavailable},
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func statusOf(err error) int {
	for _, row := range statuses {
		if row.matches(err) {
			return row.status
		}
	}
	return http.StatusInternalServerError
}

// problem is an error as application/problem+json (RFC 9457).
type problem struct {
	huma.ErrorModel

	RequestID string `json:"request_id,omitempty" doc:"Names the request in the gateway's log"`
}

// ContentType makes huma answer with the right one.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders tells a client when to come again, or how to say who it is.
func (p *problem) GetHeaders() http.Header {
	switch p.Status {
	case http.StatusServiceUnavailable:
		return http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}}
	case http.StatusUnauthorized:
		return http.Header{"Www-Authenticate": {`Bearer realm="wecomq"`}}
	}
	return nil
}

// newProblem is what a client is told about an error: the fields at fault, but
// nothing about our insides.
func newProblem(ctx context.Context, err error) *problem {
	status := statusOf(err)
	p := &problem{RequestID: requestInfoFrom(ctx).id}
	p.Status, p.Title, p.Detail = status, http.StatusText(status), err.Error()
	switch status {
	case http.StatusInternalServerError:
		p.Detail = "a fault of wecomq's; its log has the reason under this request_id"
	case http.StatusServiceUnavailable:
		p.Detail = unavailable(err)
	}
	if invalid, ok := errors.AsType[*message.ValidationError](err); ok {
		for _, field := range invalid.Fields {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: "body." + field.Field, Message: field.Problem})
		}
	}
	return p
}

// unavailable says what a client can count on, without Redis's address.
func unavailable(err error) string {
	for _, own := range []error{errStopping, errBusy} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	if errors.Is(err, ErrRefused) {
		return "Redis stores nothing at present (its operator finds why in the log); try again. " +
			"A message sent with an idempotency key cannot be doubled by that"
	}
	return "Redis did not confirm in time; try again. A message sent with an idempotency key cannot be doubled by that"
}

// report makes the problem of an error, and logs what only the operator may know.
func (g *Gateway) report(ctx context.Context, err error) *problem {
	p := newProblem(ctx, err)
	if p.Status == http.StatusUnauthorized {
		requestInfoFrom(ctx).err = forLog(err)
	}
	if p.Status >= http.StatusInternalServerError && p.Status != http.StatusNotImplemented {
		g.logFault(ctx, err)
	}
	return p
}

func (g *Gateway) logFault(ctx context.Context, err error) {
	g.log.Error().Str("request_id", requestInfoFrom(ctx).id).Err(err).Msg("request failed")
}

// fail answers with the problem of an error, outside of huma.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := g.report(r.Context(), err)
	maps.Copy(w.Header(), p.GetHeaders())
	writeJSON(w, p.Status, p.ContentType(""), p)
}

// writeJSON writes a value with < > & as they are. A client that has gone cannot
// be told, so errors of writing are dropped.
func writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value)
}

// invalid is a *message.ValidationError about one field.
func invalid(field, format string, args ...any) error {
	return &message.ValidationError{Fields: []message.FieldError{{Field: field, Problem: fmt.Sprintf(format, args...)}}}
}

// refusal makes of the error of a message, which its queue would not take, one
// that names the field.
func refusal(err error) error {
	if err == nil || statusOf(err) != http.StatusInternalServerError {
		return err
	}
	field, problem, found := strings.Cut(err.Error(), ": ")
	if !found || strings.ContainsAny(field, " \t\"") {
		field, problem = "message", err.Error()
	}
	return invalid(field, "%s", problem)
}

var _ huma.StatusError = (*problem)(nil)

// levelOf is the level of a line of the access log.
func levelOf(status int) zerolog.Level {
	if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
		return zerolog.WarnLevel
	}
	return zerolog.InfoLevel
}
