package lookup

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// untriedRead bounds the tasks that are read at a time: a message may have megabytes.
const untriedRead = 16

// source is a set of messages without an attempt, in one of an app's queues.
type source struct {
	set      asynqx.Set
	priority tasks.Priority
}

// sources are all sources of an app. Messages mostly move from the front of this list to its end, and from there
// to the records, so that a list does not miss them.
var sources = makeSources()

func makeSources() (all []source) {
	for _, set := range []asynqx.Set{asynqx.SetScheduled, asynqx.SetRetry, asynqx.SetPending, asynqx.SetActive} {
		for _, priority := range tasks.Priorities() {
			all = append(all, source{set, priority})
		}
	}
	return all
}

// of names the source of an app.
func (s source) of(app string) asynqx.SetRef {
	return asynqx.SetRef{Queue: tasks.Queue(app, s.priority), Set: s.set}
}

// Untried lists all messages of an app without an attempt that match a query.
func (f *Finder) Untried(ctx context.Context, q ledger.Query) iter.Seq2[tasks.Record, error] {
	return func(yield func(tasks.Record, error) bool) {
		l := &lister{finders: []*Finder{f}, query: Query{Query: q, Limit: math.MaxInt, Look: math.MaxInt}, size: mostRead}
		l.at.tried = !l.query.mayBeUntried()
		for !l.at.tried {
			l.page = Page{}
			if _, err := l.untried(ctx); err != nil {
				yield(tasks.Record{}, err)
				return
			}
			for _, record := range l.page.Records {
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

// untried reads the next messages without a record. It never ends the list: the records follow.
func (l *lister) untried(ctx context.Context) (ended bool, err error) {
	if err := l.count(ctx); err != nil {
		return true, err
	}
	f := l.source()
	if f == nil {
		l.at = Cursor{tried: true}
		return false, nil
	}
	n := min(l.size, untriedRead, l.query.Look-l.page.Looked)
	members, records, err := f.untried(ctx, sources[l.at.source], l.at.offset, n)
	if err != nil {
		return true, err
	}
	for _, member := range members {
		record, found := records[member.ID]
		if !l.offer(record, found && l.query.matchTimed(record)) {
			return false, nil
		}
		l.at.offset++
	}
	if len(members) < n {
		l.at.source, l.at.offset = l.at.source+1, 0
	}
	return false, nil
}

// count counts the tasks of all sources once, so that empty ones cost nothing more.
func (l *lister) count(ctx context.Context) error {
	if l.counts != nil {
		return nil
	}
	var refs []asynqx.SetRef
	for _, f := range l.finders {
		for _, s := range sources {
			refs = append(refs, s.of(f.app))
		}
	}
	counts, err := asynqx.Counts(ctx, l.finders[0].rdb, refs)
	if err != nil {
		return fmt.Errorf("count the tasks of %d apps: %w", len(l.finders), err)
	}
	l.counts = counts
	return nil
}

// source moves to the next source with unread tasks, and returns the finder of its app; nil if there is none.
func (l *lister) source() *Finder {
	for i, f := range l.finders {
		if f.app < l.at.app {
			continue
		}
		if f.app != l.at.app {
			l.at = Cursor{app: f.app}
		}
		for l.at.source < len(sources) {
			if l.counts[i*len(sources)+l.at.source] > l.at.offset {
				return f
			}
			l.at.source, l.at.offset = l.at.source+1, 0
		}
	}
	return nil
}

// untried lists n tasks of a source, and makes records of those that are messages without one. The calls of
// broadcasts are in the broadcasts' reports.
func (f *Finder) untried(ctx context.Context, s source, offset, n int) ([]asynqx.Member, map[string]tasks.Record, error) {
	members, err := asynqx.Members(ctx, f.rdb, s.of(f.app), offset, n)
	if err != nil || len(members) == 0 {
		return members, nil, err
	}
	refs, err := f.withoutRecord(ctx, tasks.Queue(f.app, s.priority), members)
	if err != nil || len(refs) == 0 {
		return members, nil, err
	}
	records, err := f.recordsOf(ctx, s, refs)
	if err != nil || s.set != asynqx.SetScheduled {
		return members, records, err
	}
	now, err := f.clock.Now(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, member := range members {
		if record, found := records[member.ID]; found && member.Due.After(now) {
			record.State, record.ErrMsg, record.ProcessAt = tasks.Scheduled, "", member.Due.UTC() // the others only wait for a worker
			records[member.ID] = record
		}
	}
	return members, records, nil
}

// recordsOf makes records of the due tasks of a source, by their ids.
func (f *Finder) recordsOf(ctx context.Context, s source, refs []asynqx.TaskRef) (map[string]tasks.Record, error) {
	placed, err := asynqx.Places(ctx, f.rdb, refs, true)
	if err != nil {
		return nil, err
	}
	why, err := f.whyPaused(ctx, s.priority)
	if err != nil {
		return nil, err
	}
	records := make(map[string]tasks.Record, len(placed))
	for _, task := range placed {
		if task.Place != asynqx.Queued {
			continue // it has ended meanwhile
		}
		record := fromPayload(f.app, task.ID, s.priority, task.Type, task.Payload)
		switch {
		case s.set == asynqx.SetActive:
			record.State = tasks.Sending
		case why != "":
			record.State, record.ErrMsg = tasks.Held, why
		default:
			record.State = tasks.Queued
		}
		records[task.ID] = record
	}
	return records, nil
}

// withoutRecord returns the messages among the members of a set that have no record.
func (f *Finder) withoutRecord(ctx context.Context, queue string, members []asynqx.Member) ([]asynqx.TaskRef, error) {
	var ids []string
	for _, member := range members {
		if !tasks.IsBroadcast(member.ID) {
			ids = append(ids, member.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	records, err := f.ledger.Read(ctx, ids)
	if err != nil {
		return nil, err
	}
	var refs []asynqx.TaskRef
	for _, id := range ids {
		if !slices.ContainsFunc(records, func(r tasks.Record) bool { return r.ID == id }) {
			refs = append(refs, asynqx.TaskRef{Queue: queue, ID: id})
		}
	}
	return refs, nil
}
