package lookup

import (
	"context"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

// Payloads are the payloads of messages of the app, by id, in one round trip. Messages without a task are left out.
func (f *Finder) Payloads(ctx context.Context, records []tasks.Record) (map[string]tasks.Payload, error) {
	refs := make([]asynqx.TaskRef, len(records))
	for i, r := range records {
		refs[i] = asynqx.TaskRef{Queue: tasks.Queue(f.app, r.Priority), ID: r.ID}
	}
	placed, err := asynqx.Places(ctx, f.rdb, refs, true)
	payloads := make(map[string]tasks.Payload, len(placed))
	for _, task := range placed {
		if p, err := tasks.Decode(task.Type, task.Payload); err == nil {
			payloads[task.ID] = p
		}
	}
	return payloads, err
}
