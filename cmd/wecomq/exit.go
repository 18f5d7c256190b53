package main

import (
	"errors"
	"fmt"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/submission"
)

// The exit codes that scripts rely on.
const (
	exitDone     = 0
	exitFailure  = 1 // something failed while running
	exitUsage    = 2 // the command line, the config or the input is wrong
	exitRejected = 3 // a message was rejected
	exitTimeout  = 4 // the wait timed out
)

// exitError carries the exit code of a failure. With an empty error stdout has already said everything.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode is that of an exitError, of an invalid config or message, otherwise that of a plain failure.
func exitCode(err error) int {
	var exit *exitError
	var wrong *config.Error
	var fault *submission.FaultError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &wrong), errors.As(err, &fault):
		return exitUsage
	default:
		return exitFailure
	}
}
