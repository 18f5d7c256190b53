package webhook

import (
	"embed"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/wecomq/wecomq/message"
)

// Template is the source of a template and where it comes from.
type Template struct {
	File   string // for errors
	Source string
}

// maxOutputBytes limits the output of a template. It is more than ten times the size of any message.
const maxOutputBytes = 64 << 10

//go:embed templates
var builtin embed.FS

// The templates of digests, which have data of their own.
const (
	digestText     = "digest_text"
	digestMarkdown = "digest_markdown"
)

// body is the part of a template that is not inside a define.
const body = ""

// parts are the defines of each template that become fields of a message.
var parts = map[string][]string{
	string(message.TypeText):     {body},
	string(message.TypeMarkdown): {body},
	string(message.TypeTextCard): {"title", "description", "url", "btntxt"},
	string(message.TypeTemplateCard): {
		"source", "title", "desc", "emphasis_title", "emphasis_desc", "sub_title", "lines", "links", "url",
	},
	digestText:     {body},
	digestMarkdown: {body},
}

// TemplateNames lists the templates that can be replaced: one for each of [Types],
// and two for digests.
func TemplateNames() []string {
	return []string{
		string(message.TypeMarkdown), string(message.TypeText), string(message.TypeTextCard),
		string(message.TypeTemplateCard), digestMarkdown, digestText,
	}
}

// functions cannot access files or the network: a template sees only the notification. Functions for texts take
// any value, because a source's members can be numbers.
var functions = template.FuncMap{
	"toUpper":     func(text any) string { return strings.ToUpper(textOf(text)) },
	"toLower":     func(text any) string { return strings.ToLower(textOf(text)) },
	"trimSpace":   func(text any) string { return strings.TrimSpace(textOf(text)) },
	"join":        join,
	"match":       func(pattern string, text any) (bool, error) { return regexp.MatchString(pattern, textOf(text)) },
	"stringSlice": func(items ...string) []string { return items },
	"reReplaceAll": func(pattern, replacement string, text any) (string, error) {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return "", err
		}
		return re.ReplaceAllString(textOf(text), replacement), nil
	},
	"time":    func(t time.Time) string { return t.Format(time.DateTime + " -07:00") },
	"date":    func(layout string, t time.Time) string { return t.Format(layout) },
	"shorten": func(most int, text any) string { return shorten(textOf(text), max(most, 1)) },
	"tz": func(name string, t time.Time) (time.Time, error) {
		zone, err := ParseZone(name)
		if err != nil {
			return t, err
		}
		return t.In(zone), nil
	},
}

// join joins texts, or the elements of an array; anything else is one text.
func join(separator string, items any) string {
	var texts []string
	switch list := items.(type) {
	case []string:
		texts = list
	case elements:
		for _, element := range list {
			texts = append(texts, textOf(element))
		}
	default:
		return textOf(items)
	}
	return strings.Join(texts, separator)
}

// script is a parsed template.
type script struct {
	name string
	file string
	tree *template.Template
}

// builtinScript parses one of the built-in templates.
func builtinScript(name string) (*script, error) {
	source, err := builtin.ReadFile("templates/" + name + ".tmpl")
	if err != nil {
		return nil, err
	}
	tree, err := template.New("templates/" + name + ".tmpl").Funcs(functions).Option("missingkey=zero").Parse(string(source))
	return &script{name: name, file: name + ".tmpl", tree: tree}, err
}

// compile parses a user's template. Parts that it does not define are taken from the built-in one.
func compile(name string, own Template) (*script, error) {
	base, err := builtinScript(name)
	if err != nil {
		return nil, err
	}
	tree, err := base.tree.New(own.File).Parse(own.Source)
	if err != nil {
		return nil, tidy(err)
	}
	s := &script{name: name, file: own.File, tree: tree}
	if err := s.check(own); err != nil {
		return nil, err
	}
	return s, nil
}

// check rejects defines that would have no effect.
func (s *script) check(own Template) error {
	defined, err := template.New(own.File).Funcs(functions).Parse(own.Source)
	if err != nil {
		return tidy(err)
	}
	if slices.Contains(parts[s.name], body) {
		if defined.Tree == nil || parse.IsEmptyTree(defined.Root) {
			return fmt.Errorf("%s: nothing stands outside of {{define}}: that is what the message will say", s.file)
		}
		return nil
	}
	known := slices.ContainsFunc(parts[s.name], func(part string) bool { return defined.Lookup(part) != nil })
	if !known {
		return fmt.Errorf("%s: a template of type %s consists of parts: {{define \"title\"}}…{{end}}; it can define %s",
			s.file, s.name, strings.Join(parts[s.name], ", "))
	}
	return nil
}

// render executes all parts. If there is too much output, cut is true and the texts
// are incomplete.
func (s *script) render(data any) (texts map[string]string, cut bool, err error) {
	texts = make(map[string]string, len(parts[s.name]))
	for _, part := range parts[s.name] {
		tree := s.tree
		if part != body {
			tree = s.tree.Lookup(part)
		}
		out := &bounded{most: maxOutputBytes}
		err := tree.Execute(out, data)
		if err != nil && !errors.Is(err, errOutput) {
			return nil, false, tidy(err)
		}
		cut = cut || err != nil
		texts[part] = strings.TrimSpace(strings.ToValidUTF8(out.String(), ""))
	}
	return texts, cut, nil
}

// bounded is a buffer of limited size.
type bounded struct {
	strings.Builder

	most int
}

var errOutput = errors.New("the output is longer than 64 KiB")

// Write appends as much as fits.
func (b *bounded) Write(p []byte) (int, error) {
	fits := min(len(p), b.most-b.Len())
	n, err := b.Builder.Write(p[:fits])
	if err == nil && fits < len(p) {
		err = errOutput
	}
	return n, err
}

// WriteString is Write for strings.
func (b *bounded) WriteString(s string) (int, error) { return b.Write([]byte(s)) }

var (
	executing = regexp.MustCompile(`^template: (.*?): executing "[^"]*" at (<.*?>): `)
	noField   = regexp.MustCompile(`can't evaluate field (\w+) in type (?:\*?webhook\.)(\w+)`)
	// shapes are the types whose fields a template can name.
	shapes = map[string]reflect.Type{
		"View": reflect.TypeFor[View](), "AlertView": reflect.TypeFor[AlertView](), "Pair": reflect.TypeFor[Pair](),
		"DigestView": reflect.TypeFor[DigestView](), "DigestLine": reflect.TypeFor[DigestLine](),
		"Alerts": reflect.TypeFor[Alerts](), "Pairs": reflect.TypeFor[Pairs](), "KV": reflect.TypeFor[KV](),
	}
)

// templateError is a mistake in a template: "file:line:column: <.Field>: text".
type templateError struct{ text string }

func (e *templateError) Error() string { return e.text }

// tidy puts file, line and field first, and lists the fields that exist.
func tidy(err error) error {
	text := executing.ReplaceAllString(err.Error(), "$1: $2: ")
	text = strings.TrimPrefix(text, "template: ")
	if match := noField.FindStringSubmatch(text); match != nil {
		text = noField.ReplaceAllString(text, "there is no field $1 here")
		text += " (there are " + strings.Join(fieldsOf(shapes[match[2]]), ", ") + ")"
	}
	return &templateError{text}
}

// fieldsOf lists the fields and methods of a type.
func fieldsOf(t reflect.Type) []string {
	var names []string
	if t == nil {
		return nil
	}
	if t.Kind() == reflect.Struct {
		for field := range t.Fields() {
			names = append(names, field.Name)
		}
	}
	for method := range t.Methods() {
		names = append(names, method.Name)
	}
	return names
}
