package gateway

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
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
	Bodies       []docsBody
	*huma.Operation
}

// docsBody is one of the forms that a body may have.
type docsBody struct {
	Kind    string
	Members map[string]*huma.Schema
	// Contents are the members of which a body has exactly one, according to its type.
	Contents []string
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
				all = append(all, docsOperation{method, path, bodies(document.Components.Schemas, op.RequestBody), op})
			}
		}
	}
	slices.SortFunc(all, func(a, b docsOperation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return all
}

// bodies returns the forms of a body, by name.
func bodies(schemas huma.Registry, body *huma.RequestBody) []docsBody {
	if body == nil {
		return nil
	}
	var all []docsBody
	for _, kind := range slices.Sorted(maps.Keys(body.Content)) {
		schema := resolved(schemas, body.Content[kind].Schema)
		b := docsBody{Kind: kind, Members: schema.Properties}
		if len(schema.OneOf) > 0 {
			b.Members, b.Contents = variants(schemas, schema.OneOf)
		}
		all = append(all, b)
	}
	return all
}

func resolved(schemas huma.Registry, schema *huma.Schema) *huma.Schema {
	if schema.Ref != "" {
		return schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

// variants returns the members that all variants of a body have, and those that only one has.
func variants(schemas huma.Registry, all []*huma.Schema) (common map[string]*huma.Schema, own []string) {
	times := map[string]int{}
	common = map[string]*huma.Schema{}
	for _, variant := range all {
		for name, member := range resolved(schemas, variant).Properties {
			times[name]++
			common[name] = member
		}
	}
	for name, n := range times {
		if n < len(all) {
			delete(common, name)
			own = append(own, name)
		}
	}
	slices.Sort(own)
	return common, own
}
