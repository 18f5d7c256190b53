package gateway

import (
	"fmt"

	"github.com/wecomq/wecomq/internal/problem"
)

// The errors that [Services] answer with, by errors.Is. Anything else that is no
// *message.ValidationError, *wecom.Error or *wecom.CallError is a fault of ours.
var (
	ErrNotFound    = problem.ErrNotFound
	ErrConflict    = problem.ErrConflict
	ErrUnavailable = problem.ErrUnavailable
	ErrRefused     = problem.ErrRefused
)

// errNoToken is a secret that is no token's.
var errNoToken = fmt.Errorf("%w: no such token", problem.ErrUnauthorized)
