// Package tracing follows a message with OpenTelemetry from the request that
// brought it to WeCom. Between producer and worker the trace travels as W3C
// traceparent in the headers of the asynq task.
//
// Spans tell which app, message, queue and errcode, under the names of package
// fields; never a message's content, a recipient or a secret.
package tracing
