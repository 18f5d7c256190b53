package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

// newProblem returns the public part of an error: which fields are wrong, but nothing internal.
func newProblem(ctx context.Context, err error) *problem.Problem {
	p := problem.New(err, "body.")
	p.RequestID = requestInfoFrom(ctx).id
	switch p.Status {
	case http.StatusInternalServerError:
		p.Detail = "internal error in wecomq; see its log for this request_id"
	case http.StatusServiceUnavailable:
		p.Detail = unavailable(err)
	}
	return p.In(requestInfoFrom(ctx).language())
}

// unavailable says what the client can rely on, without Redis's address.
func unavailable(err error) string {
	for _, own := range []error{problem.ErrStopping, problem.ErrBusy, problem.ErrOccupied} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	if errors.Is(err, ErrRefused) {
		return "Redis is not accepting writes (the log says why); try again. " +
			"A message sent with an idempotency key will not be duplicated"
	}
	return "Redis did not confirm in time; try again. A message sent with an idempotency key will not be duplicated"
}

// report returns the problem of an error, and logs the details for the operator.
func (g *Gateway) report(ctx context.Context, err error) *problem.Problem {
	p := newProblem(ctx, err)
	if p.Status == http.StatusUnauthorized || p.Status == http.StatusTooManyRequests {
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

// fail answers with the problem of an error, outside huma.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err error) {
	g.report(r.Context(), err).Write(w)
}

// invalid returns a *message.ValidationError about one field.
func invalid(field, format string, args ...any) error {
	return &message.ValidationError{Fields: []message.FieldError{{Field: field, Problem: fmt.Sprintf(format, args...)}}}
}

// refusal turns the error of a message that the queue rejected into one that names the field.
func refusal(err error) error {
	if err == nil || problem.Status(err) != http.StatusInternalServerError {
		return err
	}
	field, text, found := strings.Cut(err.Error(), ": ")
	if !found || strings.ContainsAny(field, " \t\"") {
		field, text = "message", err.Error()
	}
	return invalid(field, "%s", text)
}

// levelOf is the log level of a status in the access log.
func levelOf(status int) zerolog.Level {
	if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
		return zerolog.WarnLevel
	}
	return zerolog.InfoLevel
}
