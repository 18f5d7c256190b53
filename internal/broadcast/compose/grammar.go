package compose

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// functions replace those of text/template that take any number of arguments.
var functions = template.FuncMap{"html": escapeHTML, "urlquery": escapeQuery}

// builtin are the functions of text/template that templates may use. Printing functions are left out, as are
// loops: a text could double at every step, or never end.
var builtin = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len"}

func escapeHTML(s string) (string, error)  { return limited(template.HTMLEscapeString(s)) }
func escapeQuery(s string) (string, error) { return limited(url.QueryEscape(s)) }

// limited keeps a chain of functions from growing a text without bound.
func limited(s string) (string, error) {
	if len(s) > maxRenderedBytes {
		return "", fmt.Errorf("the text has more than %d bytes", maxRenderedBytes)
	}
	return s, nil
}

// parseText parses the string at path, and returns nil if it has no template. It adds the columns that the
// template uses to used.
func parseText(path, text string, used map[string]bool) (*template.Template, error) {
	if !strings.Contains(text, "{{") {
		return nil, nil
	}
	parsed, err := template.New(path).Option("missingkey=error").Funcs(functions).Parse(text)
	if err != nil {
		return nil, errors.New(explain(path, err))
	}
	g := grammar{path: path, tree: parsed.Tree, used: used}
	for _, t := range parsed.Templates() {
		if t.Name() != path {
			g.refuse(t.Root, "define and block are not available; write the text in place")
		}
	}
	g.list(parsed.Root, true)
	if g.err != nil {
		return nil, g.err
	}
	return parsed, nil
}

// grammar checks that a template uses only what [Template] describes, and collects its columns.
type grammar struct {
	path string
	tree *parse.Tree
	used map[string]bool
	err  error // the first
}

// list checks nodes. At the root, dot is the row; inside with, it is a value.
func (g *grammar) list(list *parse.ListNode, root bool) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		g.node(node, root)
	}
}

func (g *grammar) node(node parse.Node, root bool) {
	switch n := node.(type) {
	case *parse.TextNode, *parse.CommentNode:
	case *parse.ActionNode:
		g.pipe(n.Pipe, root)
	case *parse.IfNode:
		g.branch(&n.BranchNode, root, root)
	case *parse.WithNode:
		g.branch(&n.BranchNode, root, false)
	case *parse.RangeNode:
		g.refuse(n, "range is not available; a column has one value")
	default:
		g.refuse(n, "%s is not available", n)
	}
}

func (g *grammar) branch(n *parse.BranchNode, root, inside bool) {
	g.pipe(n.Pipe, root)
	g.list(n.List, inside)
	g.list(n.ElseList, root)
}

func (g *grammar) pipe(pipe *parse.PipeNode, root bool) {
	for _, command := range pipe.Cmds {
		if g.index(command, root) {
			continue
		}
		for _, argument := range command.Args {
			g.argument(argument, root)
		}
	}
}

// index handles {{index . "first name"}}, for columns whose names are not identifiers. It reports whether the
// command is an index; any other form is rejected.
func (g *grammar) index(command *parse.CommandNode, root bool) bool {
	if name, ok := command.Args[0].(*parse.IdentifierNode); !ok || name.Ident != "index" {
		return false
	}
	if len(command.Args) == 3 && isRow(command.Args[1], root) {
		if name, ok := command.Args[2].(*parse.StringNode); ok {
			g.used[name.Text] = true
			return true
		}
	}
	g.refuse(command, `index takes the row and the name of a column: index $ "first name"`)
	return true
}

func isRow(node parse.Node, root bool) bool {
	if variable, ok := node.(*parse.VariableNode); ok {
		return len(variable.Ident) == 1 && variable.Ident[0] == "$"
	}
	return root && node.Type() == parse.NodeDot
}

func (g *grammar) argument(node parse.Node, root bool) {
	switch n := node.(type) {
	case *parse.FieldNode:
		if !root {
			g.refuse(n, "inside with, dot is the value; write $%s", n)
		}
		g.column(n, n.Ident)
	case *parse.VariableNode:
		g.variable(n)
	case *parse.DotNode:
		if root {
			g.refuse(n, "dot is the whole row; name a column: .name")
		}
	case *parse.IdentifierNode:
		g.function(n)
	case *parse.PipeNode:
		g.pipe(n, root)
	case *parse.ChainNode:
		g.refuse(n, "%s: a value has no fields", n)
	default: // constants
	}
}

func (g *grammar) variable(n *parse.VariableNode) {
	switch {
	case n.Ident[0] == "$" && len(n.Ident) == 1:
		g.refuse(n, "$ is the whole row; name a column: $.name")
	case n.Ident[0] == "$":
		g.column(n, n.Ident[1:])
	case len(n.Ident) > 1:
		g.refuse(n, "%s: a value has no fields", n)
	}
}

func (g *grammar) column(n parse.Node, names []string) {
	if len(names) > 1 {
		g.refuse(n, "%s: a value has no fields", n)
		return
	}
	g.used[names[0]] = true
}

func (g *grammar) function(n *parse.IdentifierNode) {
	if _, own := functions[n.Ident]; !own && !slices.Contains(builtin, n.Ident) {
		g.refuse(n, "%s is not available; the functions are %s, html, index and urlquery", n.Ident, strings.Join(builtin, ", "))
	}
}

func (g *grammar) refuse(n parse.Node, format string, args ...any) {
	if g.err == nil {
		location, _ := g.tree.ErrorContext(n)
		g.err = errors.New(explain(g.path, errors.New(location+": "+fmt.Sprintf(format, args...))))
	}
}

// explain turns an error of text/template for the string at path, such as `template: text.content:1:5:
// executing "text.content" at <.x>: …`, into "line 1: …".
func explain(path string, err error) string {
	text, found := strings.CutPrefix(strings.TrimPrefix(err.Error(), "template: "), path+":")
	line, rest, cut := strings.Cut(text, ":")
	if !found || !cut || !isNumber(line) {
		return text
	}
	if column, after, ok := strings.Cut(rest, ": "); ok && isNumber(column) {
		rest = after
	}
	rest = strings.TrimPrefix(strings.TrimSpace(rest), "executing "+strconv.Quote(path)+" ")
	return "line " + line + ": " + rest
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}
