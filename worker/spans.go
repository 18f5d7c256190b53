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

// What a worker adds to a message's trace, each time that it takes the message:
//
//	process QUEUE     in the hands of a handler, as its outcome
//	├ admission       until it may be sent: the turnstile, the limits
//	└ message/send    the call
//	wait              beside process: from the enqueueing to the first delivery

// traced goes on with the trace of a task.
func (l *lane) traced(handle asynq.HandlerFunc) asynq.HandlerFunc {
	if !l.tracer.On {
		return handle
	}
	return func(ctx context.Context, task *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		queue, _ := asynq.GetQueueName(ctx)
		ctx, span := l.tracer.Start(tracing.FromHeaders(ctx, task.Headers()), "process "+queue,
			trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(tracing.Message(l.app.Name, id, queue)...))
		defer span.End()
		return handle(ctx, task)
	}
}

// remember keeps the span of a delivery for its report, and tells of the first one
// how long the message has waited for it.
func (l *lane) remember(ctx context.Context, d *delivery) {
	d.span = trace.SpanFromContext(ctx)
	if !l.tracer.On || d.retried > 0 {
		return
	}
	_, wait := l.tracer.Start(tracing.FromHeaders(ctx, d.task.Headers()), "wait", trace.WithTimestamp(d.payload.EnqueuedAt),
		trace.WithAttributes(l.about(d)...))
	wait.End(trace.WithTimestamp(d.began))
}

// tracedAdmit is admit, in a span that tells its verdict.
func (l *lane) tracedAdmit(ctx context.Context, d *delivery) (admitted, error) {
	if !l.tracer.On {
		return l.admit(ctx, d)
	}
	ctx, span := l.tracer.Start(ctx, "admission", trace.WithAttributes(l.about(d)...))
	defer span.End()
	a, err := l.admit(ctx, d)
	span.SetAttributes(attribute.String("verdict", string(a.Verdict)), attribute.String("reason", a.Reason))
	if err != nil {
		span.SetStatus(codes.Error, "no verdict")
	}
	return a, err
}

func (l *lane) about(d *delivery) []attribute.KeyValue {
	return tracing.Message(l.app.Name, d.payload.ID, tasks.Queue(l.app.Name, d.payload.Priority))
}

// tell writes the outcome of an attempt into the delivery's span, and gives the
// trace that it belongs to, empty without one.
func (d *delivery) tell(r tasks.Record, cause error) (traceID string) {
	if d.span == nil || !d.span.SpanContext().IsValid() {
		return ""
	}
	d.span.SetAttributes(
		attribute.String(fields.State, string(r.State)), attribute.String(fields.MsgID, r.MsgID),
		attribute.Int(fields.Attempt, d.leave.Number), attribute.String(fields.Priority, string(r.Priority)),
	)
	tracing.Answered(d.span, cause)
	return d.span.SpanContext().TraceID().String()
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
