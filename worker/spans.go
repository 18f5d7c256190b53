package worker

import (
	"context"

	"github.com/hibiken/asynq"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/tracing"
	"github.com/wecomq/wecomq/tasks"
)

// The spans that each delivery adds to a message's trace:
//
//	process QUEUE     the delivery, with its outcome
//	├ admission       until it may be sent: the turnstile, the limits
//	└ message/send    the call
//	wait              beside process: from the enqueueing to the first delivery

// traced puts each delivery into a span.
func (l *lane) traced(handle asynq.HandlerFunc) asynq.HandlerFunc {
	if !l.tracer.On {
		return handle
	}
	return func(ctx context.Context, task *asynq.Task) error {
		ctx, span := l.startDeliverySpan(ctx, task)
		defer span.End()
		return handle(ctx, task)
	}
}

// startDeliverySpan continues the trace of the task. The first delivery also records
// how long the message has waited.
func (l *lane) startDeliverySpan(ctx context.Context, task *asynq.Task) (context.Context, trace.Span) {
	id, _ := asynq.GetTaskID(ctx)
	queue, _ := asynq.GetQueueName(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	ctx = tracing.FromHeaders(ctx, task.Headers())
	about := trace.WithAttributes(tracing.Message(l.app.Name, id, queue)...)
	if payload, err := tasks.Decode(task.Type(), task.Payload()); err == nil && retried == 0 {
		_, wait := l.tracer.Start(ctx, "wait", trace.WithTimestamp(payload.EnqueuedAt), about)
		wait.End()
	}
	return l.tracer.Start(ctx, "process "+queue, trace.WithSpanKind(trace.SpanKindConsumer), about)
}

// startAdmissionSpan begins a span that ends with the verdict.
func (l *lane) startAdmissionSpan(ctx context.Context, d *delivery) (_ context.Context, end func(tasks.Admission, error)) {
	if !l.tracer.On {
		return ctx, func(tasks.Admission, error) {}
	}
	about := tracing.Message(l.app.Name, d.payload.ID, tasks.Queue(l.app.Name, d.payload.Priority))
	ctx, span := l.tracer.Start(ctx, "admission", trace.WithAttributes(about...))
	return ctx, func(a tasks.Admission, err error) {
		span.SetAttributes(attribute.String("verdict", string(a.Verdict)), attribute.String("reason", a.Reason))
		if err != nil {
			span.SetStatus(codes.Error, "no verdict")
		}
		span.End()
	}
}

// describe writes the outcome of an attempt into the delivery's span, and returns the id of its trace, ""
// without one.
func (d *delivery) describe(ctx context.Context, r tasks.Record, cause error) (traceID string) {
	span := trace.SpanFromContext(ctx)
	if !span.SpanContext().IsValid() {
		return ""
	}
	span.SetAttributes(
		attribute.String(fields.State, string(r.State)), attribute.String(fields.MsgID, r.MsgID),
		attribute.Int(fields.Attempt, d.admission.Number), attribute.String(fields.Priority, string(r.Priority)),
	)
	tracing.Answered(span, cause)
	return span.SpanContext().TraceID().String()
}

// tracedSender puts each call into a span.
type tracedSender struct {
	Sender

	app    string
	tracer tracing.Tracer
}

func (s *tracedSender) Post(ctx context.Context, api string, body []byte, reply any) error {
	id, _ := asynq.GetTaskID(ctx)
	queue, _ := asynq.GetQueueName(ctx)
	ctx, span := s.tracer.Start(ctx, api, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(tracing.Message(s.app, id, queue)...))
	defer span.End()
	err := s.Sender.Post(ctx, api, body, reply)
	tracing.Answered(span, err)
	return err
}
