package tracing

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/wecom"
)

const library = "github.com/wecomq/wecomq"

// Tracer makes the spans of wecomq.
type Tracer struct {
	trace.Tracer

	// On is false when the spans go nowhere: whoever would have to work for one asks.
	On bool
}

// New makes the tracer of a provider; nil makes one whose spans go nowhere.
func New(provider trace.TracerProvider) Tracer {
	if provider == nil {
		return Tracer{noop.NewTracerProvider().Tracer(library), false}
	}
	return Tracer{provider.Tracer(library), true}
}

var w3c = propagation.TraceContext{}

// Headers are those of a task that continues the trace of ctx; nil without one.
func Headers(ctx context.Context) map[string]string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return nil
	}
	headers := propagation.MapCarrier{}
	w3c.Inject(ctx, headers)
	return headers
}

// FromHeaders continues the trace of a task, if it has one.
func FromHeaders(ctx context.Context, headers map[string]string) context.Context {
	return w3c.Extract(ctx, propagation.MapCarrier(headers))
}

// FromRequest continues the trace of an HTTP request, if it has one.
func FromRequest(ctx context.Context, header http.Header) context.Context {
	return w3c.Extract(ctx, propagation.HeaderCarrier(header))
}

// ID is the trace that ctx belongs to, in hexadecimal; empty without one.
func ID(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		return sc.TraceID().String()
	}
	return ""
}

// Message says which message, or part of one, a span is about.
func Message(app, id, queue string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String(fields.App, app), attribute.String(fields.MessageID, id), attribute.String(fields.Queue, queue),
		attribute.String("messaging.system", "asynq"), attribute.String("messaging.destination.name", queue),
	}
}

// Sent says what became of an enqueue.
func Sent(span trace.Span, app, id, queue string, err error) {
	span.SetAttributes(Message(app, id, queue)...)
	if err != nil {
		span.SetStatus(codes.Error, "not confirmed by Redis, or refused")
	}
}

// Answered says what WeCom answered. Its text is left out: it can name recipients.
func Answered(span trace.Span, err error) {
	class, code := wecom.ClassOf(err), wecom.Code(0)
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		code = refused.Code
	}
	span.SetAttributes(attribute.Int64(fields.ErrCode, int64(code)), attribute.String(fields.Class, class.String()))
	if err != nil {
		span.SetStatus(codes.Error, class.String())
	}
}
