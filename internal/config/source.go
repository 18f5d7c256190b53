package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/wecomq/wecomq/internal/textfile"
)

// source is the origin of a configuration. It collects the mistakes.
type source struct {
	file        string // as the user named it; empty for the environment
	dir         string // paths in the file are relative to it
	lookupEnv   func(string) (string, bool)
	holdsSecret bool // a secret is written in the file itself
	errs        FieldErrors
	aliases     map[*ast.AliasNode]ast.Node // the nodes that they refer to
	warnings    []string
}

// place is the location of a value.
type place struct {
	line  int
	field string
}

// fail records a mistake at a place.
func (s *source) fail(at place, format string, args ...any) {
	s.errs = append(s.errs, FieldError{
		File: s.file, Line: at.line, Field: at.field, Text: fmt.Sprintf(format, args...),
	})
}

// err returns all mistakes as one error, or nil.
func (s *source) err() error {
	if len(s.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(s.errs, byLine)
	return s.errs
}

var (
	// It also matches a reference without }, so that it can be reported.
	reference    = regexp.MustCompile(`\$?\$\{[^}]*\}?`)
	variableName = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

	errReference = errors.New("bad reference to an environment variable (write ${NAME}, or $${ for a plain ${)")
)

// expand replaces each ${NAME} by the environment variable. Its errors do not
// show the text, which may be a secret.
func (s *source) expand(text string) (string, error) {
	var errs []error
	expanded := reference.ReplaceAllStringFunc(text, func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		match := variableName.FindStringSubmatch(ref)
		if match == nil {
			errs = append(errs, errReference)
			return ""
		}
		value, ok := s.lookupEnv(match[1])
		if !ok {
			errs = append(errs, fmt.Errorf("environment variable %s is not set", match[1]))
		}
		return textfile.Value(value) // a value made from a file, as in a Kubernetes Secret, often ends in a line break
	})
	if len(errs) > 0 {
		return "", errs[0]
	}
	return expanded, nil
}

// content returns the content of a file named in the configuration.
func (s *source) content(path string) (string, error) {
	f, err := readFile(s.resolve(path))
	return textfile.Value(string(f.content)), err
}

// resolve returns a path relative to the file as a path of this process.
func (s *source) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}
