package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// records checks every message with a record. Without bounds it scans the records themselves: the index drops
// a message after a while, and a stuck one must not be missed.
func (r *run) records(ctx context.Context) error {
	if r.bounded() {
		return r.recordsByTime(ctx)
	}
	pattern := keys.Record(r.appPattern(), "*")
	return redisconn.Scan(ctx, r.rdb, []string{pattern}, func(_ redis.UniversalClient, names []string) error {
		byApp := map[string][]string{}
		for _, name := range names {
			if app, id, ok := keys.ParseRecord(name); ok && r.sums[app] != nil {
				byApp[app] = append(byApp[app], id)
			}
		}
		for app, ids := range byApp {
			if err := r.pages(ctx, app, ids); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) recordsByTime(ctx context.Context) error {
	for name, app := range r.apps {
		for ids, err := range app.Ledger.IDs(ctx, ledger.Query{Since: r.Since, Until: r.Until}) {
			if err == nil {
				err = r.pages(ctx, name, ids)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) pages(ctx context.Context, app string, ids []string) error {
	for ids := range slices.Chunk(ids, pageSize) {
		if err := r.page(ctx, len(ids), func() error { return r.checkRecords(ctx, app, ids) }); err != nil {
			return err
		}
	}
	return nil
}

// checkRecords adds up a page of records, and checks those whose message must be in a queue.
func (r *run) checkRecords(ctx context.Context, app string, ids []string) error {
	entries, err := r.apps[app].Ledger.Entries(ctx, ids)
	if err != nil {
		return err
	}
	var suspects []suspect
	for _, e := range entries {
		if err := r.count(e); err != nil {
			return err
		}
		if !e.State.Final() {
			suspects = append(suspects, suspect{TaskRef: refOf(e, e.ID), app: app})
		}
		suspects = append(suspects, r.named(e)...)
	}
	return r.examine(ctx, app, suspects)
}

// count adds up one record.
func (r *run) count(e ledger.Entry) error {
	sums := r.sums[e.App]
	if tasks.IsBroadcast(e.ID) { // its broadcast counts its recipients
		sums = &Sums{}
	}
	named, accounted := e.To.Count(), sums.add(e)
	if named == accounted {
		return nil
	}
	return r.report(Finding{
		ID: e.ID, App: e.App, Queue: refOf(e, e.ID).Queue, Kind: Off, State: e.State,
		Text: fmt.Sprintf("it names %d recipients, and the record accounts for %d", named, accounted),
	})
}

// settled is how long after a message finished its other parts must be in Redis: a producer that lost its
// connection may be enqueuing them again.
const settled = time.Minute

// named are the messages that a record refers to: the other parts of its message, and its follow-ups. They
// are checked as long as none of their records can have expired.
func (r *run) named(e ledger.Entry) []suspect {
	if !e.State.Final() || r.result.At.Sub(e.FinishedAt) < settled || r.result.At.Sub(e.EnqueuedAt) > r.apps[e.App].RecordTTL {
		return nil
	}
	var all []suspect
	add := func(id string, to message.Recipients) {
		all = append(all, suspect{TaskRef: refOf(e, id), app: e.App, parent: &e, to: to})
	}
	if e.ID == tasks.MessageID(e.ID) {
		for n := 2; n <= e.PartCount; n++ {
			add(tasks.PartID(e.ID, n), message.Recipients{})
		}
	}
	for i, users := range e.FollowUps {
		add(tasks.FollowUpID(e.ID, i+1), message.Recipients{Users: users})
	}
	return all
}

// refOf is the task of a message of the same priority as e.
func refOf(e ledger.Entry, id string) asynqx.TaskRef {
	return asynqx.TaskRef{Queue: tasks.Queue(e.App, e.Priority), ID: id}
}
