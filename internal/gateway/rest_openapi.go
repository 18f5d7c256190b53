package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

// bearerScheme is the name of bearer authentication in the OpenAPI document.
const bearerScheme = "bearer"

// newAPI returns the REST API. The gateway serves the document and the docs page
// itself, because huma's pages load scripts from other hosts.
func newAPI(mux *http.ServeMux, version string) huma.API {
	cfg := huma.DefaultConfig("wecomq", version)
	cfg.Info.Description = "Queue-backed dispatcher for WeCom (企业微信) application messages."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	cfg.CreateHooks = nil // no $schema member in responses
	cfg.Transformers = append(cfg.Transformers, nameRequest)
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearerScheme: {
		Type: "http", Scheme: "bearer", Description: "A token of gateway.tokens in the configuration.",
	}}
	return humago.New(mux, cfg)
}

// schemaName is the name of a type in the document: what it is called, and for a part of
// a broadcast that it is one, as messages and apps have types of the same names.
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

// nameRequest adds the request id to the errors that huma itself returns.
func nameRequest(ctx huma.Context, _ string, value any) (any, error) {
	if model, ok := value.(*huma.ErrorModel); ok {
		return &problem.Problem{ErrorModel: *model, RequestID: requestInfoFrom(ctx.Context()).id}, nil
	}
	return value, nil
}

// operation registers an operation that requires a scope. Its errors become problems
// by the table of internal/problem.
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

// messageBody documents the JSON of a message.
func messageBody() *huma.RequestBody {
	text := func(doc, example string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: doc, Examples: []any{example}}
	}
	oneOf := func(doc string, values []string) *huma.Schema {
		all := make([]any, len(values))
		for i, value := range values {
			all[i] = value
		}
		return &huma.Schema{Type: huma.TypeString, Description: doc, Enum: all}
	}
	var types []string
	for _, t := range message.Types() {
		types = append(types, string(t))
	}
	members := map[string]*huma.Schema{
		"touser":  text("userids joined by |, or @all; any number, split where needed", "zhangsan|lisi"),
		"toparty": text("department ids joined by |", "2"),
		"totag":   text("tag ids joined by |", "3"),
		"msgtype": oneOf("The content stands under the same name", types),
		"text":    {Type: huma.TypeObject, Properties: map[string]*huma.Schema{"content": text("At most 2048 bytes", "hello")}},
	}
	for _, kind := range []string{"image", "voice", "video", "file"} {
		members[kind] = &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"media_id": text(
			"WeCom's own, or the media of POST /v1/media, or an http or https URL", "https://example.com/a.png")}}
	}
	for _, m := range envelope.Members() {
		members[m.Name] = text(m.Doc, m.Example)
		switch {
		case m.Values != nil:
			members[m.Name] = oneOf(m.Doc, m.Values)
		case m.Boolean:
			members[m.Name] = &huma.Schema{Type: huma.TypeBoolean, Description: m.Doc}
		}
	}
	return &huma.RequestBody{
		Required: true,
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
			Type: huma.TypeObject, Properties: members, Required: []string{"msgtype"}, AdditionalProperties: true,
		}}},
	}
}

// serveOpenAPI serves the document and the docs page.
func (g *Gateway) serveOpenAPI(document *huma.OpenAPI) error {
	// What newProblem adds to huma's model.
	document.Components.Schemas.Map()["ErrorModel"].Properties["request_id"] = &huma.Schema{
		Type: huma.TypeString, Description: "Names the request in the gateway's log",
	}
	document.Components.Schemas.Map()["ErrorModel"].Properties["limit"] = document.Components.Schemas.Schema(reflect.TypeFor[problem.Limit](), true, "Limit")
	text, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encode the OpenAPI document: %w", err)
	}
	page, err := docsPage(document)
	if err != nil {
		return err
	}
	g.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(text)
	})
	g.mux.HandleFunc("GET /docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(page)
	})
	return nil
}
