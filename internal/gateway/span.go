package gateway

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/tracing"
)

// beginSpan goes on with the trace that a request brings; also when nobody here
// traces, so that the message takes it along.
func (g *Gateway) beginSpan(r *http.Request) (*http.Request, oteltrace.Span) {
	ctx := tracing.FromRequest(r.Context(), r.Header)
	if quiet(r.URL.Path) {
		return r, oteltrace.SpanFromContext(r.Context())
	}
	ctx, span := g.tracer.Start(ctx, r.Method, oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	return r.WithContext(ctx), span
}

// endSpan names the span after the route, which the mux has found meanwhile, and
// tells nothing of the query, in which WeCom's clients put secrets.
func endSpan(span oteltrace.Span, r *http.Request, status int, t *requestInfo) {
	if span.IsRecording() {
		if r.Pattern != "" {
			span.SetName(r.Pattern)
		}
		span.SetAttributes(
			attribute.String("http.request.method", r.Method), attribute.String("http.route", r.Pattern),
			attribute.Int("http.response.status_code", status),
			attribute.String(fields.App, t.app), attribute.String(fields.RequestID, t.id),
		)
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
	}
	span.End()
}
