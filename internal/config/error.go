package config

import "fmt"

// Error says that the configuration is wrong, or does not fit the machine: only its
// author can help. It covers the command line and the environment where they stand
// for a key of the file.
type Error struct{ Err error }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an [*Error] of this text.
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }
