package webhook

import (
	"errors"
	"io"
	"maps"
	"strings"
	"text/template"

	"github.com/wecomq/wecomq/internal/harmless"
)

// expression is a text of a [Mapping].
type expression struct{ tree *template.Template }

// newExpression parses a text, and tries it on an empty document: every member may be missing from a source's JSON.
func newExpression(text string) (*expression, error) {
	tree, err := template.New("line").Funcs(sourceFunctions).Parse(text)
	if err != nil {
		return nil, tidy(err)
	}
	e := &expression{tree}
	_, err = e.write(object{})
	return e, err
}

// CheckText parses a text of a [Mapping] and tries it.
func CheckText(text string) error {
	_, err := newExpression(text)
	return err
}

// maxFaultChars limits the text of a template error.
const maxFaultChars = 300

// write executes the text. Output beyond [maxOutputBytes] is dropped.
func (e *expression) write(document any) (string, error) {
	out := &bounded{most: maxOutputBytes}
	err := e.tree.Execute(quiet{out}, document)
	if err != nil && !errors.Is(err, errOutput) {
		text := harmless.Text(atMost(tidy(err).Error())) // it may quote the source's data
		return "", &templateError{shorten(oneLine(text), maxFaultChars)}
	}
	return strings.TrimSpace(strings.ToValidUTF8(out.String(), "")), nil
}

// quiet drops the output of a template for a missing value. Each value is one write.
type quiet struct{ io.Writer }

// Write passes on anything else.
func (q quiet) Write(p []byte) (int, error) {
	if string(p) == "<no value>" {
		return len(p), nil
	}
	return q.Writer.Write(p)
}

// sourceFunctions are the functions of all templates, with replacements for Go's own that would fail for a value
// that is missing or has an unexpected type.
var sourceFunctions = func() template.FuncMap {
	all := maps.Clone(functions)
	maps.Copy(all, template.FuncMap{
		"eq": func(value any, others ...any) bool { return equals(value, others) },
		"ne": func(value any, others ...any) bool { return !equals(value, others) },
		"lt": less,
		"gt": func(a, b any) bool { return less(b, a) },
		"le": func(a, b any) bool { return less(a, b) || sameNumber(a, b) },
		"ge": func(a, b any) bool { return less(b, a) || sameNumber(a, b) },

		"index": find, "len": length,
	})
	return all
}()

// equals reports whether a value equals one of the others, as texts: one source writes 1 where another writes "1".
func equals(value any, others []any) bool {
	text := textOf(value)
	for _, other := range others {
		if textOf(other) == text {
			return true
		}
	}
	return false
}

// less compares numbers, which may be texts. A value that is not a number is neither less nor more.
func less(a, b any) bool {
	x, isX := numberOf(a)
	y, isY := numberOf(b)
	return isX && isY && x < y
}

func sameNumber(a, b any) bool {
	x, isX := numberOf(a)
	y, isY := numberOf(b)
	return isX && isY && x == y
}
