package problem_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

func TestEveryErrorHasItsStatus(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		problem.ErrMalformed:       400,
		problem.ErrUnauthorized:    401,
		problem.ErrForbidden:       403,
		&budget.ForbiddenError{}:   403,
		&budget.SpentError{}:       429,
		problem.ErrNotFound:        404,
		problem.ErrNoRoute:         404,
		problem.ErrMethod:          405,
		problem.ErrSlow:            408,
		problem.ErrConflict:        409,
		problem.ErrTooLarge:        413,
		problem.ErrInvalid:         422,
		&message.ValidationError{}: 422,
		problem.ErrNotThere:        501,
		&wecom.Error{Code: 40058}:  502,
		&wecom.CallError{}:         502,
		&wecom.TokenHeldError{}:    502,
		problem.ErrUnavailable:     503,
		problem.ErrRefused:         503,
		problem.ErrStopping:        503,
		problem.ErrBusy:            503,
		problem.ErrOccupied:        503,
		&compose.ListError{Problems: []compose.Problem{{}}}: 422,
		broadcast.ErrNotFound:                               404,
		broadcast.ErrOwnApproval:                            403,
		broadcast.ErrKeyInUse:                               409,
		broadcast.ErrChanged:                                409,
		broadcast.ErrRecalling:                              409,
		&broadcast.StateError{}:                             409,
		&broadcast.TestError{}:                              504,
		&broadcast.TestError{TestMessage: broadcast.TestMessage{Record: tasks.Record{State: tasks.Rejected}}}: 422,
		context.DeadlineExceeded:           503,
		errors.New("something that broke"): 500,
	} {
		if got := problem.Status(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v has status %d, want %d", err, got, want)
		}
	}
}

func TestAnErrorOfAnotherKindIsNothingThatItWas(t *testing.T) {
	t.Parallel()
	err := problem.As(problem.ErrUnavailable, fmt.Errorf("look up ops-1: %w", problem.ErrNotFound))
	if got := problem.Status(err); got != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", got)
	}
	if got, want := err.Error(), "look up ops-1: no such message, or its record has expired"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

func TestAProblemNamesTheFieldsAndWhenToComeAgain(t *testing.T) {
	t.Parallel()
	invalid := &message.ValidationError{Fields: []message.FieldError{{Field: "text.content", Problem: "<empty>"}}}
	for name, tc := range map[string]struct {
		err    error
		header string
		want   string
		body   string
	}{
		"fields at fault": {
			err: invalid, header: "Content-Type", want: "application/problem+json",
			body: `{"title":"Unprocessable Entity","status":422,"detail":"text.content: <empty>",` +
				`"errors":[{"message":"<empty>","location":"body.text.content"}]}` + "\n",
		},
		"a list with problems": {
			err: &compose.ListError{Invalid: 3, Problems: []compose.Problem{{Line: 2, Column: "userid", Reason: "empty"}}}, header: "Content-Type", want: "application/problem+json",
			body: `{"title":"Unprocessable Entity","status":422,"detail":"list: line 2, column \"userid\": empty (and 2 more rows with a problem)",` +
				`"invalid_rows":3,"rows":[{"line":2,"column":"userid","reason":"empty"}]}` + "\n",
		},
		"Redis is unavailable": {
			err: problem.ErrUnavailable, header: "Retry-After", want: "5",
			body: `{"title":"Service Unavailable","status":503,"detail":"Redis is unavailable"}` + "\n",
		},
		"a limit of the token is used up": {
			err: &budget.SpentError{Token: "builds", Limit: budget.PerMinute, Max: 60, Needs: 1, After: 11500 * time.Millisecond}, header: "Retry-After", want: "12",
			body: `{"title":"Too Many Requests","status":429,"detail":"token \"builds\" may send 60 messages a minute (per_minute): 0 left, and this needs 1; all again in 12s",` +
				`"limit":{"name":"per_minute","max":60,"left":0,"resets_in":12}}` + "\n",
		},
		"a message that the token may not send": {
			err: &budget.ForbiddenError{Field: "priority", Text: "critical, but token \"builds\" may only use bulk"}, header: "Content-Type", want: "application/problem+json",
			body: `{"title":"Forbidden","status":403,"detail":"priority: critical, but token \"builds\" may only use bulk",` +
				`"errors":[{"message":"critical, but token \"builds\" may only use bulk","location":"body.priority"}]}` + "\n",
		},
		"no token": {
			err: problem.ErrUnauthorized, header: "Www-Authenticate", want: `Bearer realm="wecomq"`,
			body: `{"title":"Unauthorized","status":401,"detail":"unauthorized"}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			problem.New(tc.err, "body.").Write(w)
			if got := w.Header().Get(tc.header); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.header, got, tc.want)
			}
			if diff := cmp.Diff(tc.body, w.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}
