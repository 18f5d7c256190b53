package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/tasks"
)

const (
	webhookPrefix = "/v1/webhooks/"
	// anySource is the placeholder for a source of the config in the pattern of a route.
	anySource = "{source}"
)

// documentWebhooks adds the mounted webhooks, which huma does not serve, to the
// document.
func documentWebhooks(document *huma.OpenAPI, routes []Route) {
	for _, route := range routes {
		if _, path, _ := strings.Cut(route.Pattern, webhookPrefix); path != "" {
			source, _, _ := strings.Cut(path, "/")
			document.Paths[webhookPrefix+path] = &huma.PathItem{Post: webhookOperation(source, route)}
		}
	}
}

func webhookOperation(source string, route Route) *huma.Operation {
	text := &huma.Schema{Type: huma.TypeString}
	query := func(name, doc string, schema *huma.Schema) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: doc, Schema: schema}
	}
	problem := map[string]*huma.MediaType{"application/problem+json": {Schema: &huma.Schema{Ref: schemaPrefix + "ErrorModel"}}}
	body := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	id, sender, path := source, source, []*huma.Param{{Name: "app", In: "path", Required: true, Schema: text}}
	if source == anySource {
		body = &huma.Schema{Description: "Any JSON; an array reports an alert with each element"}
		id, sender = "source", "a source of the config (gateway.webhooks.sources)"
		path = slices.Insert(path, 0, &huma.Param{Name: "source", In: "path", Required: true, Description: "its name, e.g. zabbix", Schema: text})
	}
	return &huma.Operation{
		OperationID: "webhook-" + id, Summary: "Enqueue what the webhook of " + sender + " reports", Tags: []string{"webhooks"},
		Description: "Takes what " + sender + " sends, by PUT as well where it does. docs/webhooks.md tells who gets it.",
		Security:    []map[string][]string{{bearerScheme: {}}},
		Extensions:  map[string]any{"x-scope": route.Scope},
		Parameters: append(path,
			query("to_user", "userids, separated by commas or |; without any recipient here labels and routes decide", text),
			query("to_party", "department ids, likewise", text),
			query("to_tag", "tag ids, likewise", text),
			query("type", "markdown if left out", &huma.Schema{Type: huma.TypeString, Enum: []any{"markdown", "text", "textcard", "template_card"}}),
			query("priority", "critical if left out", &huma.Schema{Type: huma.TypeString, Enum: enumOf(tasks.Priorities())}),
			query("resolve", "message if left out; update, with template_card, changes the firing card instead", &huma.Schema{Type: huma.TypeString, Enum: []any{"message", "update"}}),
		),
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: body}}},
		Responses: map[string]*huma.Response{
			"202":     {Description: http.StatusText(http.StatusAccepted), Content: map[string]*huma.MediaType{"application/json": {Schema: acceptedSchema()}}},
			"default": {Description: "Error", Content: problem},
		},
	}
}

// acceptedSchema describes the response to a webhook.
func acceptedSchema() *huma.Schema {
	number, text := &huma.Schema{Type: huma.TypeInteger}, &huma.Schema{Type: huma.TypeString}
	message := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
		"id": text, "alerts": number, "duplicate": {Type: huma.TypeBoolean}, "waits_for": text, "updates": text,
	}}
	return &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
		"messages": {Type: huma.TypeArray, Items: message}, "digested": number, "unaddressed": number,
	}}
}
