package gateway

import (
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

// rawBody is a body that huma does not parse: JSON.
type rawBody struct {
	data []byte
	err  error
}

// Resolve reads the body.
func (b *rawBody) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	if b.err = checkKind(ctx.Header("Content-Type")); b.err != nil {
		return nil
	}
	b.data, b.err = intake.Read(w, r.WithContext(ctx.Context()), message.MaxBodyBytes, intake.Whole)
	b.data = envelope.TrimMark(b.data)
	return nil // the handler returns b.err, as a problem of ours
}

// plainKinds are what clients call JSON that they were not told to call anything: curl says
// that all is a form, and a browser that it is a text.
var plainKinds = []string{"", "application/json", "text/json", "application/x-www-form-urlencoded", "text/plain"}

// lineKinds are what they call a JSON text of many lines, beside those.
var lineKinds = []string{ndjson, "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines"}

// checkKind refuses a body that says it is not JSON, nor of one of the other kinds.
func checkKind(contentType string, others ...string) error {
	kind, _, err := mime.ParseMediaType(contentType)
	if contentType != "" && err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		kind = contentType
	}
	if slices.Contains(plainKinds, kind) || strings.HasSuffix(kind, "+json") || slices.Contains(others, kind) {
		return nil
	}
	taken := append([]string{"application/json"}, others[:min(1, len(others))]...)
	return fmt.Errorf("%w: Content-Type %.80q; send %s", problem.ErrMediaType, contentType, strings.Join(taken, " or "))
}
