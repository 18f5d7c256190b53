package gateway

import (
	"fmt"

	"github.com/wecomq/wecomq/internal/problem"
)

// The errors of [Services], to be tested with errors.Is. Any other error that is not a *message.ValidationError,
// *wecom.Error or *wecom.CallError is an internal error.
var (
	ErrNotFound    = problem.ErrNotFound
	ErrConflict    = problem.ErrConflict
	ErrUnavailable = problem.ErrUnavailable
	ErrRefused     = problem.ErrRefused
)

// errTokenEnded is returned for a token that has expired.
var errTokenEnded = fmt.Errorf("%w: the token has expired", problem.ErrUnauthorized)

// errNoToken is returned for a secret that matches no token.
var errNoToken = fmt.Errorf("%w: no such token", problem.ErrUnauthorized)
