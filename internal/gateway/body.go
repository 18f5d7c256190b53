package gateway

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
)

// rawBody is a JSON body that huma does not parse.
type rawBody struct {
	data []byte
	err  error
}

// Resolve reads the body.
func (b *rawBody) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	if b.err = intake.CheckKind(ctx.Header("Content-Type")); b.err != nil {
		return nil
	}
	b.data, b.err = intake.Read(w, r.WithContext(ctx.Context()), message.MaxBodyBytes, intake.Whole)
	b.data = textfile.TrimMark(b.data)
	return nil // the handler returns b.err, as a problem of our own
}

// lineKinds are the content types that clients use for JSON lines, besides those of plain JSON.
var lineKinds = []string{ndjson, "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines"}
