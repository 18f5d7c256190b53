package producer

import (
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

type (
	// Message is one message of a batch.
	Message = tasks.Message
	// Options are the choices for one message; the zero value sends it now, with
	// default priority and no deadline.
	Options = tasks.Options
	// Receipt says what was enqueued.
	Receipt = tasks.Receipt
	// Result is what became of one message of a batch: its receipt, or why it was
	// not enqueued. Err is *[RedisError] when Redis did not confirm it, and trying
	// again may help; with any other error the message itself is at fault.
	Result = tasks.Result
	// KeyReuseError is a message under the idempotency key of one that says something
	// else, or goes to others. Nothing was enqueued.
	KeyReuseError = tasks.KeyReuseError
	// RedisError is an enqueue that Redis did not confirm. When a message has an
	// idempotency key, sending it again is safe.
	RedisError = asynqx.RedisError
)
