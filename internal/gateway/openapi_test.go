package gateway_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
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
			if wantsBody := strings.HasSuffix(path, "/messages") || strings.HasSuffix(path, ":batch"); wantsBody != (body != nil) {
				t.Errorf("%s %s: body %v", method, path, body)
			}
		}
	}
	if !strings.Contains(b.do("GET", "/openapi.json", "").body, `"request_id"`) {
		t.Error("the model of a problem lacks request_id")
	}
	slices.Sort(got)
	same(t, "operations", got, []string{
		"DELETE /v1/messages/{id}", "GET /v1/apps", "GET /v1/messages/{id}", "POST /v1/messages",
		"POST /v1/messages/{id}/recall", "POST /v1/messages/{id}/replay", "POST /v1/messages:batch",
	})
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
