package problem

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// The kinds of errors that have an HTTP status, beside *message.ValidationError and
// those of packages wecom and broadcast. An error is of a kind by errors.Is.
var (
	ErrMalformed    = errors.New("malformed request")
	ErrUnauthorized = errors.New("unauthorized")
	ErrGuessing     = errors.New("many wrong tokens have come from your address")
	ErrForbidden    = errors.New("forbidden")
	ErrNotFound     = errors.New("no such message, or its record has expired")
	ErrNoRoute      = errors.New("no such operation; GET /docs lists them all")
	ErrMethod       = errors.New("this address does not take the method")
	ErrMediaType    = errors.New("the body is not in a form that is taken here")
	ErrSlow         = errors.New("the body did not come in time")
	ErrConflict     = errors.New("not possible in the message's state")
	ErrTooLarge     = errors.New("the body is too large")
	ErrInvalid      = errors.New("a value is not valid")
	ErrNotThere     = errors.New("not there yet")
	ErrStopping     = errors.New("the gateway is shutting down; send the rest again")
	ErrBusy         = errors.New("the gateway holds as many bodies as it has memory for; try again")
	ErrOccupied     = errors.New("as many broadcasts are being created as may be at once; try again")
	// ErrUnavailable means that Redis did not answer; a retry may help.
	ErrUnavailable = errors.New("Redis is unavailable") //nolint:staticcheck // a name begins the sentence
	// ErrRefused means that Redis answers but stores nothing, for example because it is
	// full.
	ErrRefused = fmt.Errorf("%w: it stores nothing", ErrUnavailable)
)

// statuses is the only table from errors to HTTP statuses; the first match counts.
var statuses = []struct {
	matches func(error) bool
	status  int
}{
	{is(ErrMalformed), http.StatusBadRequest},
	{is(ErrUnauthorized), http.StatusUnauthorized},
	{is(ErrGuessing), http.StatusTooManyRequests},
	{is(ErrForbidden), http.StatusForbidden},
	{as[*budget.ForbiddenError], http.StatusForbidden},
	{as[*budget.SpentError], http.StatusTooManyRequests},
	{is(ErrNotFound), http.StatusNotFound},
	{is(ErrNoRoute), http.StatusNotFound},
	{is(ErrMethod), http.StatusMethodNotAllowed},
	{is(ErrMediaType), http.StatusUnsupportedMediaType},
	{is(ErrSlow), http.StatusRequestTimeout},
	{is(ErrConflict), http.StatusConflict},
	{is(ErrTooLarge), http.StatusRequestEntityTooLarge},
	{is(ErrInvalid), http.StatusUnprocessableEntity},
	{as[*message.ValidationError], http.StatusUnprocessableEntity},
	{as[*tasks.KeyReuseError], http.StatusUnprocessableEntity},
	{is(broadcast.ErrNotFound), http.StatusNotFound},
	{is(broadcast.ErrOwnApproval), http.StatusForbidden},
	{is(broadcast.ErrKeyInUse), http.StatusConflict},
	{is(broadcast.ErrChanged), http.StatusConflict},
	{is(broadcast.ErrNothingToReplay), http.StatusConflict},
	{is(broadcast.ErrRecalling), http.StatusConflict},
	{is(broadcast.ErrReplaying), http.StatusConflict},
	{is(broadcast.ErrNoVerdict), http.StatusGatewayTimeout},
	{as[*broadcast.TestError], http.StatusUnprocessableEntity},
	{as[*broadcast.StateError], http.StatusConflict},
	{as[*compose.ListError], http.StatusUnprocessableEntity},
	{is(ErrNotThere), http.StatusNotImplemented},
	{as[*wecom.Error], http.StatusBadGateway},
	{as[*wecom.CallError], http.StatusBadGateway},
	{as[*wecom.UnsentError], http.StatusServiceUnavailable},
	{as[*wecom.TokenHeldError], http.StatusBadGateway},
	{is(ErrUnavailable), http.StatusServiceUnavailable},
	{is(ErrStopping), http.StatusServiceUnavailable},
	{is(ErrBusy), http.StatusServiceUnavailable},
	{is(ErrOccupied), http.StatusServiceUnavailable},
	{is(context.DeadlineExceeded), http.StatusServiceUnavailable},
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Status is the HTTP status of an error. An error that is not in the table is a fault of
// wecomq: 500.
func Status(err error) int {
	for _, row := range statuses {
		if row.matches(err) {
			return row.status
		}
	}
	return http.StatusInternalServerError
}

// As gives an error another kind, and so another status: it has the text of err, but does
// not wrap it.
func As(kind, err error) error { return &recast{kind, err.Error()} }

type recast struct {
	kind error
	text string
}

func (r *recast) Error() string { return r.text }
func (r *recast) Unwrap() error { return r.kind }
