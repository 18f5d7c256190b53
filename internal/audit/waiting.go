package audit

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/tasks"
)

// waiting checks every message that has a task but no record: it was not attempted yet.
func (r *run) waiting(ctx context.Context) error {
	queues := r.appPattern()
	if queues != "*" {
		queues = tasks.Queue(queues, "*")
	}
	return redisconn.Scan(ctx, r.rdb, []string{asynqx.TaskKeys(queues)}, func(_ redis.UniversalClient, names []string) error {
		byApp := map[string][]asynqx.TaskRef{}
		for _, name := range names {
			ref, ok := asynqx.ParseTaskKey(name)
			app, _, err := tasks.ParseQueue(ref.Queue)
			if ok && err == nil && r.sums[app] != nil {
				byApp[app] = append(byApp[app], ref)
			}
		}
		for app, refs := range byApp {
			for refs := range slices.Chunk(refs, pageSize) {
				if err := r.page(ctx, 0, func() error { return r.checkTasks(ctx, app, refs) }); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// checkTasks adds up the tasks whose message has no record.
func (r *run) checkTasks(ctx context.Context, app string, refs []asynqx.TaskRef) error {
	refs, err := r.withoutRecord(ctx, app, refs)
	if err != nil {
		return err
	}
	placed, err := asynqx.Places(ctx, r.rdb, refs, true)
	if err != nil {
		return err
	}
	var suspects []suspect
	for _, task := range placed {
		p, err := tasks.Decode(task.Type, task.Payload)
		if err == nil && !r.covers(p.EnqueuedAt) {
			continue
		}
		if !tasks.IsBroadcast(task.ID) {
			r.sums[app].addTask(task.Place, ledger.Addressees(p.Body).Count())
		}
		if task.Place == asynqx.Lost {
			suspects = append(suspects, suspect{TaskRef: task.TaskRef, app: app})
		}
	}
	return r.examine(ctx, app, suspects)
}

func (r *run) withoutRecord(ctx context.Context, app string, refs []asynqx.TaskRef) ([]asynqx.TaskRef, error) {
	replies := make([]*redis.IntCmd, len(refs))
	_, err := r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, ref := range refs {
			replies[i] = p.Exists(ctx, keys.Record(app, ref.ID))
		}
		return nil
	})
	var without []asynqx.TaskRef
	for i, ref := range refs {
		if replies[i].Val() == 0 {
			without = append(without, ref)
		}
	}
	return without, err
}

// covers reports whether an unattempted message is in the time of the audit.
func (r *run) covers(enqueued time.Time) bool {
	return (r.Since.IsZero() || !enqueued.Before(r.Since)) && (r.Until.IsZero() || !enqueued.After(r.Until))
}
