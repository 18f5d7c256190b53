package producer

import (
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

type (
	// Message is one message of a batch.
	Message = tasks.Message
	// Options are the options of one message; the zero value sends it now, with default priority and no
	// deadline.
	Options = tasks.Options
	// Receipt says what was enqueued.
	Receipt = tasks.Receipt
	// Result is the result of one message of a batch: its receipt, or why it was not enqueued. Err is
	// *[RedisError] if Redis did not confirm it, and trying again may help; with any other error the message
	// itself is invalid.
	Result = tasks.Result
	// KeyReuseError reports that the idempotency key belongs to a message with other content or recipients.
	// Nothing was enqueued.
	KeyReuseError = tasks.KeyReuseError
	// RedisError is an enqueue that Redis did not confirm. If the message has an idempotency key, it can
	// safely be sent again.
	RedisError = asynqx.RedisError
)
