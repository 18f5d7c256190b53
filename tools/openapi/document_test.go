// Package openapi_test lints the OpenAPI documents, as others' tools will.
package openapi_test

import (
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// documents are those that a gateway serves; a test of the gateway keeps them up to date.
var documents = []string{"../../docs/openapi.json", "../../docs/openapi-3.0.json"}

// The schema of OpenAPI itself, of the version that a document names, is the judge.
func TestDocumentsFollowTheSpecification(t *testing.T) {
	t.Parallel()
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		document, err := libopenapi.NewDocument(text)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		v, errs := validator.NewValidator(document)
		if len(errs) > 0 {
			t.Fatalf("%s: %v", path, errs)
		}
		if ok, problems := v.ValidateDocument(); !ok {
			for _, p := range problems {
				t.Errorf("%s: %s: %s %+v", path, p.Message, p.Reason, p.SchemaValidationErrors)
			}
		}
	}
}

// This one also holds every example against its schema.
func TestExamplesFollowTheirSchemas(t *testing.T) {
	t.Parallel()
	for _, path := range documents {
		document, err := openapi3.NewLoader().LoadFromFile(path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := document.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
