package gateway

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/tracing"
)

// beginSpan continues the trace of the request. It does so even without a tracer, so that the message carries
// the trace on.
func (g *Gateway) beginSpan(r *http.Request) (*http.Request, oteltrace.Span) {
	ctx := tracing.FromRequest(r.Context(), r.Header)
	if quiet(r.URL.Path) {
		return r, oteltrace.SpanFromContext(r.Context())
	}
	ctx, span := g.tracer.Start(ctx, r.Method, oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	return r.WithContext(ctx), span
}

// endSpan names the span after the route, which is known only now. It leaves out the query, where WeCom's
// clients put secrets.
func endSpan(span oteltrace.Span, r *http.Request, status int, info *requestInfo) {
	if span.IsRecording() {
		if r.Pattern != "" {
			span.SetName(r.Pattern)
		}
		span.SetAttributes(
			attribute.String("http.request.method", r.Method), attribute.String("http.route", r.Pattern),
			attribute.Int("http.response.status_code", status),
			attribute.String(fields.App, info.app), attribute.String(fields.RequestID, info.id),
		)
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
	}
	span.End()
}
