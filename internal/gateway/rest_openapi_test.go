package gateway_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

func TestOpenAPINamesEveryOperation(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	document := decoded[struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}](t, b.do("GET", "/openapi.json", "").body)
	if !strings.HasPrefix(document.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %q", document.OpenAPI)
	}
	var got []string
	for path, operations := range document.Paths {
		for method, operation := range operations {
			got = append(got, strings.ToUpper(method)+" "+path)
			body, _ := operation.(map[string]any)["requestBody"].(map[string]any) //nolint:forcetypeassert // it fails the test
			wantsBody := method == "post" && slices.Contains([]string{"/v1/messages", "/v1/messages:batch", "/v1/broadcasts", "/v1/media", "/v1/messages/{id}/card", "/v1/broadcasts/{id}/replay", "/push"}, path)
			if wantsBody != (body != nil) {
				t.Errorf("%s %s: body %v", method, path, body)
			}
		}
	}
	if !strings.Contains(b.do("GET", "/openapi.json", "").body, `"request_id"`) {
		t.Error("the model of a problem lacks request_id")
	}
	slices.Sort(got)
	same(t, "operations", got, []string{
		"DELETE /v1/messages/{id}", "GET /push", "GET /v1/apps", "GET /v1/broadcasts", "GET /v1/broadcasts/{id}", "GET /v1/broadcasts/{id}/minutes",
		"GET /v1/broadcasts/{id}/report", "GET /v1/messages", "GET /v1/messages/{id}", "POST /push", "POST /v1/broadcasts", "POST /v1/broadcasts/{id}/approve",
		"POST /v1/broadcasts/{id}/cancel", "POST /v1/broadcasts/{id}/pause", "POST /v1/broadcasts/{id}/recall",
		"POST /v1/broadcasts/{id}/replay", "POST /v1/broadcasts/{id}/resume",
		"POST /v1/media", "POST /v1/messages", "POST /v1/messages/{id}/card",
		"POST /v1/messages/{id}/recall", "POST /v1/messages/{id}/replay", "POST /v1/messages:batch",
	})
}

// Client generators are tested with the committed documents: see tools/openapi.
func TestTheCommittedDocumentsAreThoseThatAreServed(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(cfg *gateway.Config) { cfg.Version = "1" })
	for _, name := range []string{"openapi.json", "openapi-3.0.json"} {
		var served bytes.Buffer
		if err := json.Indent(&served, []byte(b.do("GET", "/"+name, "").body), "", " "); err != nil {
			t.Fatal(err)
		}
		served.WriteByte('\n')
		path := "../../docs/" + name
		if *update {
			if err := os.WriteFile(path, served.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		committed, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(committed, served.Bytes()) {
			t.Errorf("%s is not what is served (%v): go test ./internal/gateway -run %s -update", path, err, t.Name())
		}
	}
}

// schema is a schema of the document.
type schema struct {
	Ref           string            `json:"$ref"`
	Type          any               `json:"type"`
	Enum          []any             `json:"enum"`
	Properties    map[string]schema `json:"properties"`
	Required      []string          `json:"required"`
	OneOf         []schema          `json:"oneOf"` //nolint:tagliatelle // OpenAPI's
	Discriminator struct {
		Mapping map[string]string `json:"mapping"`
	} `json:"discriminator"`
}

func TestEveryMessageTypeHasASchemaAndAnExample(t *testing.T) {
	t.Parallel()
	document := decoded[struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Examples map[string]struct{ Value json.RawMessage }
				}
			} `json:"requestBody"` //nolint:tagliatelle // OpenAPI's
		}
		Components struct{ Schemas map[string]schema }
	}](t, newBundle(t).do("GET", "/openapi.json", "").body)
	schemas := document.Components.Schemas
	examples := document.Paths["/v1/messages"]["post"].RequestBody.Content["application/json"].Examples
	for _, kind := range message.Types() {
		ref := schemas["Message"].Discriminator.Mapping[string(kind)]
		own, found := schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
		content := schemas[strings.TrimPrefix(own.Properties[string(kind)].Ref, "#/components/schemas/")]
		if !found || len(content.Properties) == 0 || len(content.Required) == 0 || !slices.Equal(own.Properties["msgtype"].Enum, []any{string(kind)}) {
			t.Errorf("%s: schema %+v with content %+v", kind, own, content)
		}
		name := string(kind)
		if kind == message.TypeTemplateCard {
			name = "button_interaction"
		}
		if request, err := message.Parse(examples[name].Value); err != nil || request.Type() != kind {
			t.Errorf("%s: example %s, %v", kind, examples[name].Value, err)
		}
	}
	for name, want := range map[string]int{"Record": len(tasks.States()), "BroadcastStatus": len(broadcast.States()), "Receipt": len(tasks.States()), "Status": 5, "BroadcastRow": 8} {
		if got := schemas[name].Properties["state"].Enum; len(got) != want {
			t.Errorf("the states of %s are %v, want %d", name, got, want)
		}
	}
}

func TestTheDocumentNamesTheLimitsOfFiles(t *testing.T) {
	t.Parallel()
	document := newBundle(t).do("GET", "/openapi.json", "").body
	for _, kind := range []wecom.MediaType{wecom.MediaImage, wecom.MediaVoice, wecom.MediaVideo, wecom.MediaFile} {
		if want := string(kind) + " (" + kind.Limits() + ")"; !strings.Contains(document, want) {
			t.Errorf("the document does not say %s", want)
		}
	}
}

func TestTheDocumentTellsOfWebhooks(t *testing.T) {
	t.Parallel()
	b := withRoutes(t)
	document := b.do("GET", "/openapi.json", "").body
	for _, want := range []string{`"/v1/webhooks/alertmanager/{app}":{"post":`, `"name":"to_party"`, `"name":"resolve"`, `"waits_for"`, `"updates"`, `"/v1/webhooks/{source}/{app}":{"post":`, `"name":"source"`} {
		if !strings.Contains(document, want) {
			t.Errorf("the document does not mention %s", want)
		}
	}
	if page := b.do("GET", "/docs", "").body; !strings.Contains(page, "/v1/webhooks/alertmanager/{app}") {
		t.Error("the docs page does not mention the webhooks")
	}
}

func TestErrorsOfAllKindsNameTheRequest(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for name, path := range map[string]string{
		"huma's own": "/v1/messages:batch?priority=none", "ours": "/v1/messages:batch",
	} {
		p := b.problem(b.do("POST", path, "", as(senderToken), "X-Request-Id: mine"))
		if p.RequestID != "mine" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestAnotherMethodIsToldWhichAreTaken(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	a := b.do("PUT", "/v1/messages/ops-1", "", as(senderToken))
	if got := a.header.Get("Allow"); a.status != http.StatusMethodNotAllowed || got != "GET, HEAD, DELETE" {
		t.Errorf("HTTP %d, Allow %q", a.status, got)
	}
}

func TestABaseURLMayEndInASlash(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	same(t, "the API", b.do("POST", "//v1//messages", textBody, as(senderToken)).status, http.StatusAccepted)
	if a := b.do("POST", "//cgi-bin/gettoken", "corpid=x&corpsecret=y"); a.status != http.StatusOK || !strings.Contains(a.body, "40001") {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
	if log := b.log.String(); !strings.Contains(log, "make one with TOKEN=$(openssl") {
		t.Errorf("the log does not say how to make a token: %s", log)
	}
}

func TestAllFieldsAtFaultAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	p := b.problem(b.do("POST", "/v1/messages", `{"touser":"a","msgtype":"text","text":{"content":""}}`, as(rootToken)))
	same(t, "fields", p.locations(), []string{"body.app", "body.text.content"})
}

func TestAWebhookMayHaveItsTokenInTheURL(t *testing.T) {
	t.Parallel()
	b := withRoutes(t)
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+senderToken))
	same(t, "a webhook", b.do("POST", "/v1/webhooks/alertmanager/ops", "", basic).status, http.StatusOK)
	same(t, "from a page", b.do("POST", "/v1/webhooks/alertmanager/ops", "", basic, "Sec-Fetch-Site: cross-site").status, http.StatusForbidden)
	same(t, "the API", b.do("POST", "/v1/messages", textBody, basic).status, http.StatusUnauthorized)
}

func TestTheDocsPageNeedsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	page := b.do("GET", "/docs", "")
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%d %v", page.status, page.header)
	}
	for _, want := range []string{"/v1/messages:batch", "idempotency_key", "Scope: admin", "openapi.json"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not mention %s", want)
		}
	}
	if outside := regexp.MustCompile(`(src|href)="(https?:)?//[^"]*"|<script|@import|url\(`).FindString(page.body); outside != "" {
		t.Errorf("the page loads %s", outside)
	}
}

func TestEveryRequestHasAnID(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for given, kept := range map[string]bool{
		"my-id_1.2:3": true, "": false, "two words": false, strings.Repeat("x", 129): false, "<script>": false, "-x": false,
	} {
		got := b.do("GET", "/healthz", "", "X-Request-Id: "+given).header.Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("%q became %q", given, got)
		}
	}
}
