package config

import "fmt"

// Error is a mistake in the configuration, or one that does not fit the machine; a retry
// does not help. It includes flags and environment variables that replace a key of the
// file.
type Error struct{ Err error }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an [*Error] of this text.
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }
