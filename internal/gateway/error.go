package gateway

import (
	"errors"
	"fmt"
)

// The errors that [Services] answer with, by errors.Is. Anything else that is no
// *message.ValidationError, *wecom.Error or *wecom.CallError is a fault of ours.
var (
	// ErrNotFound is an id that nobody knows, or whose record has expired.
	ErrNotFound = errors.New("no such message, or its record has expired")
	// ErrConflict is something that cannot be done to a message in its state.
	ErrConflict = errors.New("not possible in the message's state")
	// ErrUnavailable is a Redis that did not answer: trying again may help.
	ErrUnavailable = errors.New("Redis is away") //nolint:staticcheck // a name begins the sentence
	// ErrRefused is a Redis that answers and stores nothing, such as a full one.
	ErrRefused = fmt.Errorf("%w: it stores nothing", ErrUnavailable)
)

// The errors of a request itself.
var (
	errMalformed    = errors.New("malformed request")
	errUnauthorized = errors.New("unauthorized")
	errNoToken      = fmt.Errorf("%w: no such token", errUnauthorized)
	errForbidden    = errors.New("forbidden")
	errTooLarge     = errors.New("the body is too large")
	errNotThere     = errors.New("not there yet")
	errNoRoute      = errors.New("no such operation; GET /docs lists them all")
	errMethod       = errors.New("this address does not take the method")
	errStopping     = errors.New("the gateway is shutting down; send the rest again")
	errBusy         = errors.New("the gateway holds as many bodies as it has memory for; try again")
	errSlow         = errors.New("the body did not come in time")
)
