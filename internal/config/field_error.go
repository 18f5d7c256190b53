package config

import (
	"cmp"
	"fmt"
	"strings"
)

// FieldError is one mistake in a configuration.
type FieldError struct {
	File  string // empty for the environment
	Line  int    // counts from 1; 0 for the environment
	Field string // dotted path such as apps.ops.timeout, or an environment variable
	Text  string // the mistake and how to fix it; never a secret
}

// Error returns "wecomq.yaml:7: apps.ops.timeout: text", or "WECOM_SECRET: text".
func (e FieldError) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	return b.String() + e.Text
}

// FieldErrors lists all mistakes in a configuration, by line.
type FieldErrors []FieldError

// Error returns one line for each mistake.
func (e FieldErrors) Error() string {
	lines := make([]string, len(e))
	for i, problem := range e {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

func byLine(a, b FieldError) int { return cmp.Compare(a.Line, b.Line) }
