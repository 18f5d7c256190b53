package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/problem"
)

const (
	// bearerScheme is the name of bearer authentication in the OpenAPI document.
	bearerScheme = "bearer"
	// schemaPrefix begins a reference to a schema.
	schemaPrefix = "#/components/schemas/"
	openAPIType  = "application/openapi+json"
)

// newAPI returns the REST API. The gateway serves the document and the docs page itself, because huma's pages
// load scripts from other hosts.
func newAPI(mux *http.ServeMux, version string, at config.PublicURL) huma.API {
	cfg := huma.DefaultConfig("wecomq", version)
	cfg.Info.Description = "Queue-backed dispatcher for WeCom (企业微信) application messages."
	cfg.Info.License = &huma.License{Name: "MIT", URL: "https://opensource.org/license/mit"}
	cfg.Servers = []*huma.Server{{URL: cmp.Or(strings.TrimSuffix(string(at), "/"), "/")}}
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.Components.Schemas = huma.NewMapRegistry(schemaPrefix, schemaName)
	registerEnums(cfg.Components.Schemas)
	cfg.CreateHooks = nil // no $schema member in responses
	cfg.Transformers = append(cfg.Transformers, nameRequest)
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearerScheme: {
		Type: "http", Scheme: "bearer", Description: "A token of gateway.tokens in the configuration.",
	}}
	return humago.New(mux, cfg)
}

// schemaName is the name of a type in the document: the type's own, with a prefix for the parts of a broadcast,
// because messages and apps have types of the same names.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() == orderType.PkgPath() && t.Name() != "" {
		return "Broadcast" + name
	}
	return name
}

// nameRequest adds the request id and the language to errors of huma itself.
func nameRequest(ctx huma.Context, _ string, value any) (any, error) {
	if model, ok := value.(*huma.ErrorModel); ok {
		info := requestInfoFrom(ctx.Context())
		return (&problem.Problem{ErrorModel: *model, RequestID: info.id}).In(info.language()), nil
	}
	return value, nil
}

// operation registers an operation that requires a scope. Its errors become problems by the table of internal/problem.
func operation[I, O any](
	g *Gateway, api huma.API, op huma.Operation, scope config.Scope, handle func(context.Context, *I) (*O, error),
) {
	op.Security = []map[string][]string{{bearerScheme: {}}}
	op.Extensions = map[string]any{"x-scope": scope}
	act := acts[op.OperationID]
	op.Middlewares = huma.Middlewares{g.authenticated(scope, act)}
	documented := op.RequestBody
	op.RequestBody = nil // otherwise huma would read and validate the body
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, g.report(ctx, Forbidden(ctx, act, requestInfoFrom(ctx).target, err))
		}
		return out, nil
	})
	if documented != nil {
		api.OpenAPI().Paths[op.Path].Post.RequestBody = documented
	}
}

// authenticated admits only clients whose token has the scope.
func (g *Gateway) authenticated(scope config.Scope, act activity.Action) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		requestInfoFrom(r.Context()).target = ctx.Param("id")
		r, err := g.authorize(r, scope)
		if err != nil {
			g.fail(w, r, Forbidden(r.Context(), act, ctx.Param("id"), err))
			return
		}
		next(huma.WithContext(ctx, r.Context()))
	}
}

// authorize identifies the client and checks its scope.
func (g *Gateway) authorize(r *http.Request, scope config.Scope) (*http.Request, error) {
	identity, err := g.admit(r, DoorBearer, bearer(r))
	if err != nil {
		return r, err
	}
	r = g.withIdentity(r, identity)
	return r, identity.Allow(scope)
}

// serveOpenAPI serves the document, also as OpenAPI 3.0, and the docs page. Each is rendered on first request:
// the three cost more than the rest of a gateway's start.
func (g *Gateway) serveOpenAPI(document *huma.OpenAPI) {
	documentProblem(document.Components.Schemas)
	g.serveDocument("GET /openapi.json", openAPIType, func() ([]byte, error) { return json.Marshal(document) })
	g.serveDocument("GET /openapi-3.0.json", openAPIType, func() ([]byte, error) { return olderDocument(document) })
	g.serveDocument("GET /docs", "text/html; charset=utf-8", func() ([]byte, error) { return docsPage(document) })
}

// serveDocument serves the result of render, which it calls once.
func (g *Gateway) serveDocument(pattern, contentType string, render func() ([]byte, error)) {
	render = sync.OnceValues(render)
	g.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		document, err := render()
		if err != nil {
			g.fail(w, r, fmt.Errorf("make %s: %w", r.URL.Path, err))
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(document)
	})
}

// answer documents one of several responses of an operation.
func answer[T any](api huma.API, doc string) *huma.Response {
	t := reflect.TypeFor[T]()
	schema := api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
	return &huma.Response{Description: doc, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

// documentProblem adds the members that [problem.Problem] has in addition to huma's own model.
func documentProblem(schemas huma.Registry) {
	model, own := schemas.Map()["ErrorModel"], reflect.TypeFor[problem.Problem]()
	for field := range own.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			model.Properties[name] = huma.SchemaFromField(schemas, field, "Problem"+field.Name)
		}
	}
}
