package config

import "fmt"

// Error is a mistake in the configuration, or a mismatch between it and the machine; a retry does not help. It
// covers flags and environment variables that replace a key of the file.
type Error struct{ Err error }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an [*Error] of this text.
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }
