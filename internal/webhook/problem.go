package webhook

import (
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

// notTaken turns an error that is not the sender's fault into a 503. Alertmanager and Grafana retry after that,
// but not after 4xx.
func notTaken(err error) error { return problem.As(problem.ErrUnavailable, err) }

// unlessInvalid does the same with the error of a queue, unless the message itself was rejected.
func unlessInvalid(err error) error {
	if _, refused := errors.AsType[*message.ValidationError](err); refused || err == nil || budget.IsLimit(err) {
		return err
	}
	return notTaken(err)
}

// problemOf is the sender's view of an error.
func problemOf(err error, requestID string) *problem.Problem {
	p := problem.New(err, "")
	p.RequestID = requestID
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		p.Errors = []*huma.ErrorDetail{{Message: invalid.Text, Location: invalid.Field}}
	}
	if budget.IsLimit(err) { // with other limits a repetition may succeed
		p.AskForRepeat()
		return p
	}
	if _, body := errors.AsType[*bodyError](err); p.Status == http.StatusServiceUnavailable && !body {
		p.Detail = "the queue did not take it; send this again"
	}
	return p
}
