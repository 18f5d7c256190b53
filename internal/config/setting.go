package config

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml/ast"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/seal"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/wecom"
)

// fileSuffix is appended to a key to give the path of a file with the value.
const fileSuffix = "_file"

// setting is a scalar value as text.
type setting struct {
	place

	text   string
	set    bool // false if missing or null
	failed bool // it could not be read, which has been reported
}

// optional reads a value that has a default.
func optional[T any](s *section, key string, fallback T, parse func(string) (T, error)) T {
	return interpret(s, s.get(key), fallback, parse)
}

// required reads a mandatory value.
func required[T any](s *section, key string, parse func(string) (T, error)) T {
	var zero T
	v := s.get(key)
	if !v.set && !v.failed {
		s.fail(v.place, "missing")
	}
	return interpret(s, v, zero, parse)
}

// interpret parses a setting, and returns the fallback if it is not set or invalid.
func interpret[T any](s *section, v setting, fallback T, parse func(string) (T, error)) T {
	if !v.set {
		return fallback
	}
	value, err := parse(v.text)
	if err != nil {
		s.fail(v.place, "%s", conceal(err, v.text))
		return fallback
	}
	return value
}

func (s *section) oneOf(key, fallback string, choices ...string) string {
	return optional(s, key, fallback, choice(choices))
}

// secret reads a mandatory value that is never shown.
func (s *section) secret(key string, parse func(string) (wecom.Secret, error)) wecom.Secret {
	secret := required(s, key, parse)
	s.holdsSecret = s.holdsSecret || (secret != "" && s.literal(key))
	return secret
}

// redisURL reads the URL of a Redis, which may hold a password.
func (s *section) redisURL(key, fallback string) wecom.Secret {
	url := optional(s, key, wecom.Secret(fallback), func(text string) (wecom.Secret, error) {
		return wecom.Secret(text), redisconn.Validate(text)
	})
	hasPassword := redisconn.Redact(string(url)) != string(url)
	s.holdsSecret = s.holdsSecret || (hasPassword && s.literal(key))
	return url
}

// encryptionKeys reads encryption keys; nil if there are none. Anybody who can read them can use them.
func (s *section) encryptionKeys(key string) *seal.Keys {
	keys := optional(s, key, nil, seal.Parse)
	s.holdsSecret = s.holdsSecret || (keys != nil && s.literal(key))
	if e, ok := s.entries[key+fileSuffix]; ok && keys != nil {
		s.warnOfReaders(e.field, s.resolve(s.scalar(e).text))
	}
	return keys
}

// warnOfReaders warns about a file that others can read.
func (s *section) warnOfReaders(field, path string) {
	if info, err := os.Stat(path); err == nil && othersRead(info.Mode()) {
		s.warnings = append(s.warnings, fmt.Sprintf("%s: other users can read %s (mode %04o): run chmod 600 on it; in Kubernetes, set defaultMode: 0400",
			field, path, info.Mode().Perm()))
	}
}

// literal reports whether the value of a key is written in the config file itself, without a reference to the
// environment.
func (s *section) literal(key string) bool {
	node := s.entries[key].node
	if node == nil {
		return false
	}
	text, ok := scalarText(node)
	return ok && !reference.MatchString(text)
}

// get returns the scalar of a key, or of the file that its _file form names.
func (s *section) get(key string) setting {
	s.known = append(s.known, key, key+fileSuffix)
	value, hasValue := s.entries[key]
	file, hasFile := s.entries[key+fileSuffix]
	switch {
	case hasValue && hasFile:
		s.fail(file.place, "set together with %s: keep one of the two", value.field)
		return setting{place: file.place, failed: true}
	case hasFile:
		return s.fromFile(file)
	case hasValue:
		return s.scalar(value)
	}
	return setting{place: s.at(key), failed: s.broken}
}

// fromFile returns the content of the file that e names.
func (s *section) fromFile(e entry) setting {
	path := s.scalar(e)
	if !path.set {
		return path
	}
	content, err := s.content(path.text)
	if err != nil {
		s.fail(e.place, "%s", conceal(err, path.text))
	}
	return setting{place: e.place, text: content, set: err == nil, failed: err != nil}
}

// scalar returns the text of an entry, with its references expanded.
func (s *section) scalar(e entry) setting {
	if e.node == nil {
		return setting{place: e.place, text: e.text, set: e.text != ""}
	}
	raw, ok := scalarText(e.node)
	if !ok {
		s.fail(e.place, "want a plain value, not a list, mapping or tag")
		return setting{place: e.place, failed: true}
	}
	text, err := s.expand(raw)
	if err != nil {
		s.fail(e.place, "%v", err)
		return setting{place: e.place, failed: true}
	}
	_, null := e.node.(*ast.NullNode)
	return setting{place: e.place, text: textfile.Value(text), set: !null} // as in a file of its own
}

// scalarText is a scalar as written: a secret of digits keeps its leading zeros.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}
