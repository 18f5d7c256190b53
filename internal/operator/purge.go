package operator

import (
	"context"
	"fmt"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// purgeBatch is how many dead letters are purged in one round trip.
const purgeBatch = 500

// Purge removes the matching dead letters from the list, with their payloads and their tasks in the dashboard,
// and returns how many. Their records stay until they expire.
func (o *Operator) Purge(ctx context.Context, q ledger.Query) (purged int, err error) {
	defer func() { activity.Record(ctx, activity.PurgeDead, o.App, fmt.Sprintf("%d messages", purged), err) }()
	var ids []string
	flush := func() error {
		err := o.Ledger.Forget(ctx, ids...)
		if err == nil {
			purged += len(ids)
		}
		ids = ids[:0]
		return err
	}
	for record, err := range o.Ledger.DeadLetters(ctx, q) {
		if err != nil {
			return purged, err
		}
		if err := o.dropTask(ctx, tasks.Queue(record.App, record.Priority), record.ID); err != nil {
			return purged, fmt.Errorf("purge: %w", err)
		}
		if ids = append(ids, record.ID); len(ids) < purgeBatch {
			continue
		}
		if err := flush(); err != nil {
			return purged, err
		}
	}
	if len(ids) == 0 {
		return purged, nil
	}
	err = flush()
	return purged, err
}
