// Package fields names what log lines and spans tell: the same thing has the same
// name in both, so that one word finds it everywhere.
package fields

// The names. None of them ever holds a message's content, a recipient or a secret.
const (
	App       = "app"
	MessageID = "message_id"
	MsgID     = "msgid" // WeCom's
	ErrCode   = "errcode"
	Class     = "class" // of the errcode
	Priority  = "priority"
	Queue     = "queue"
	State     = "state"
	Attempt   = "attempt"
	Duration  = "duration_ms"
	Component = "component" // of wecomq
	TraceID   = "trace_id"  // of OpenTelemetry
	RequestID = "request_id"
)
