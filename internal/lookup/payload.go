package lookup

import (
	"context"
	"errors"
	"fmt"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Payload is the payload of a message, or part. It exists as long as its task is in the queue, and for a message
// that can be replayed as long as its record.
func (f *Finder) Payload(ctx context.Context, id string, t message.Type) (tasks.Payload, error) {
	payload, err := f.ledger.Payload(ctx, id, t)
	if !errors.Is(err, ledger.ErrNotFound) {
		return payload, err
	}
	info, err := asynqx.FindTask(f.inspector, f.app, id)
	if asynqx.IsNotFound(err) {
		return tasks.Payload{}, fmt.Errorf("payload of %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return tasks.Payload{}, err
	}
	return tasks.Decode(info.Type, info.Payload)
}
