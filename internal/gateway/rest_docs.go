package gateway

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

// docsOperation is an operation as the docs page shows it.
type docsOperation struct {
	Method, Path string
	*huma.Operation
}

// Scope is the scope that the operation requires.
func (o docsOperation) Scope() any { return o.Extensions["x-scope"] }

// docsPage renders the OpenAPI document as a page that loads nothing from other
// hosts.
func docsPage(document *huma.OpenAPI) ([]byte, error) {
	page, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("parse the docs page: %w", err)
	}
	var out bytes.Buffer
	err = page.Execute(&out, struct {
		Info       *huma.Info
		Operations []docsOperation
	}{document.Info, operations(document)})
	if err != nil {
		return nil, fmt.Errorf("make the docs page: %w", err)
	}
	return out.Bytes(), nil
}

// operations lists all operations by path.
func operations(document *huma.OpenAPI) []docsOperation {
	var all []docsOperation
	for path, item := range document.Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodDelete: item.Delete,
		} {
			if op != nil {
				all = append(all, docsOperation{method, path, op})
			}
		}
	}
	slices.SortFunc(all, func(a, b docsOperation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return all
}
