package gateway

import (
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/config"
)

// pushScheme is the name of the token in the query of a push in the OpenAPI document.
const pushScheme = "pushToken"

// pushParameters are the parameters of a push.
var pushParameters = map[string]string{
	"title":    "The first line of the message",
	"content":  "The text below it; what exceeds 2048 bytes together is cut",
	"to_user":  "userids, separated by commas or |, or @all",
	"to_party": "department ids, likewise",
	"to_tag":   "tag ids, likewise",
	"app":      "The app; may be left out if the token has only one",
}

// documentPush adds pushes, which huma does not serve, to the document.
func documentPush(document *huma.OpenAPI) {
	document.Components.SecuritySchemes[pushScheme] = &huma.SecurityScheme{
		Type: "apiKey", In: "query", Name: "token", Description: "A token of gateway.tokens. URLs end up in logs: prefer the header.",
	}
	get, post := pushOperation(document), pushOperation(document)
	get.OperationID, post.OperationID = "push", "push-form"
	form := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}}
	for _, name := range slices.Sorted(maps.Keys(pushParameters)) {
		text := &huma.Schema{Type: huma.TypeString}
		get.Parameters = append(get.Parameters, &huma.Param{Name: name, In: "query", Description: pushParameters[name], Schema: text})
		form.Properties[name] = &huma.Schema{Type: huma.TypeString, Description: pushParameters[name]}
	}
	form.Properties["token"] = &huma.Schema{Type: huma.TypeString, Description: "The token, if no header has it; the form has at most 1024 bytes then"}
	post.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/x-www-form-urlencoded": {Schema: form}}}
	document.Paths["/push"] = &huma.PathItem{Get: get, Post: post}
}

func pushOperation(document *huma.OpenAPI) *huma.Operation {
	receipt := document.Components.Schemas.Schema(reflect.TypeFor[pushReceipt](), true, "PushReceipt")
	return &huma.Operation{
		Summary: "Enqueue a text message from a script that can only request a URL", Tags: []string{"messages"},
		Description: "Other programs should use POST /v1/messages.",
		Security:    []map[string][]string{{bearerScheme: {}}, {pushScheme: {}}},
		Extensions:  map[string]any{"x-scope": config.ScopeSend},
		Responses: map[string]*huma.Response{
			"202": {Description: http.StatusText(http.StatusAccepted), Content: map[string]*huma.MediaType{"application/json": {Schema: receipt}}},
			"default": {Description: "Error", Content: map[string]*huma.MediaType{
				"application/problem+json": {Schema: &huma.Schema{Ref: schemaPrefix + "ErrorModel"}},
			}},
		},
	}
}
