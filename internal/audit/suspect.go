package audit

import (
	"context"
	"fmt"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// suspect is a message that must be in a queue, unless it is finished.
type suspect struct {
	asynqx.TaskRef

	app string
	// parent is the record that names it, nil if it has a record or a task of its own; to are its users.
	parent *ledger.Entry
	to     message.Recipients

	// The result of the last check.
	place asynqx.Place
	entry *ledger.Entry // nil without a record
}

// looks is how many times suspects are checked: only those that fail each time are reported.
const looks = 3

// examine reports the suspects of an app that are stuck or missing.
func (r *run) examine(ctx context.Context, app string, suspects []suspect) error {
	for range looks {
		var err error
		if suspects, err = r.look(ctx, app, suspects); err != nil || len(suspects) == 0 {
			return err
		}
	}
	for _, s := range suspects {
		if err := r.report(s.finding()); err != nil {
			return err
		}
	}
	return nil
}

// look returns the suspects that are still inconsistent. A message leaves its queue only after its record is
// final, so the queue is read first: a message that is in no queue, and is not finished afterwards either,
// will not be taken by any worker.
func (r *run) look(ctx context.Context, app string, suspects []suspect) ([]suspect, error) {
	refs := make([]asynqx.TaskRef, len(suspects))
	for i, s := range suspects {
		refs[i] = s.TaskRef
	}
	placed, err := asynqx.Places(ctx, r.rdb, refs, false)
	if err != nil {
		return nil, err
	}
	var left []suspect
	var ids []string
	for i, s := range suspects {
		if s.place = placed[i].Place; s.place != asynqx.Queued {
			left, ids = append(left, s), append(ids, s.ID)
		}
	}
	entries, err := r.entries(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	suspects = left[:0]
	for _, s := range left {
		if s.entry = entries[s.ID]; s.standsOut() {
			suspects = append(suspects, s)
		}
	}
	return suspects, nil
}

func (r *run) entries(ctx context.Context, app string, ids []string) (map[string]*ledger.Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := r.apps[app].Ledger.Entries(ctx, ids)
	byID := make(map[string]*ledger.Entry, len(found))
	for _, e := range found {
		byID[e.ID] = &e
	}
	return byID, err
}

// standsOut judges a message that no worker will take. A message without a record whose task is archived was
// archived manually or was unreadable.
func (s suspect) standsOut() bool {
	if s.entry != nil {
		return !s.entry.State.Final()
	}
	return s.place == asynqx.Lost || s.place == asynqx.Gone && s.parent != nil
}

func (s suspect) finding() Finding {
	f := Finding{ID: s.ID, App: s.app, Queue: s.Queue, Kind: Stuck}
	if s.entry != nil {
		f.State = s.entry.State
	}
	switch s.place {
	case asynqx.Lost:
		f.Text = fmt.Sprintf("its task is in none of the lists of queue %s: no worker will take it", s.Queue)
	case asynqx.Gone:
		f.Text = "its task is gone from queue " + s.Queue
	default:
		f.Text = fmt.Sprintf("its task is %s in queue %s, though the message has not ended", s.place, s.Queue)
	}
	if s.entry == nil && s.place == asynqx.Gone {
		f.Kind = Missing
		f.Text = fmt.Sprintf("the record of %s names it, but it has neither a record nor a task", s.parent.ID)
		f.Lost = tasks.Record{
			ID: s.ID, App: s.app, Type: s.parent.Type, Priority: s.parent.Priority, EnqueuedAt: s.parent.EnqueuedAt, To: s.to,
		}
	}
	return f
}
