package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readDocument reads the YAML of a config file.
func readDocument(src *source, content []byte) (*Config, error) {
	// Repeated keys are reported by newSection, with their path.
	file, err := parser.ParseBytes(content, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(src.file, err)
	}
	if len(file.Docs) > 1 {
		return nil, FieldErrors{{File: src.file, Line: separatorLine(file.Docs[1]), Text: "a second YAML document (keep one)"}}
	}
	var body ast.Node
	if len(file.Docs) == 1 {
		body = file.Docs[0].Body
	}
	src.findAnchors(body)
	root := newSection(src, place{line: 1}, body)
	redis, apps, broadcast := root.section("redis"), root.section("apps"), root.section("broadcast")
	gateway, log := root.section("gateway"), root.section("log")
	root.known = append(root.known, root.extensions()...)
	root.rejectUnknown()
	return readConfig(src, redis, readApps(apps), broadcast, gateway, log)
}

// extensions are the keys for anchors that are used elsewhere: as in a compose file, they begin with x-.
func (s *section) extensions() []string {
	return slices.DeleteFunc(slices.Clone(s.keys), func(key string) bool { return !strings.HasPrefix(key, "x-") })
}

// separatorLine is the line of the --- that begins a document.
func separatorLine(doc *ast.DocumentNode) int {
	if doc.Start == nil { // after a line "..." the next document needs no ---
		return lineOf(doc.Body, 1)
	}
	return doc.Start.Position.Line
}

// syntaxError keeps only line and message of a parser's error: its full text quotes the
// surrounding lines, which may contain a secret.
func syntaxError(file string, err error) error {
	field := FieldError{File: file, Line: 1, Text: "not valid YAML"}
	if located := yaml.Error(nil); errors.As(err, &located) {
		message, _, _ := strings.Cut(located.GetMessage(), ` "`) // the quoted text may be secret, too
		field.Text += ": " + strings.TrimSuffix(message, ":")
		if token := located.GetToken(); token != nil {
			field.Line = token.Position.Line
		}
	}
	return FieldErrors{field}
}
