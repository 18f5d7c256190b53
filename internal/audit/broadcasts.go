package audit

import (
	"context"
	"errors"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/tasks"
)

// broadcasts checks every broadcast; their calls have no records of their own.
func (r *run) broadcasts(ctx context.Context) error {
	for name, app := range r.apps {
		store := broadcast.New(r.rdb, name, app.RecordTTL)
		for id, err := range store.IDs(ctx) {
			if err == nil {
				err = r.checkBroadcast(ctx, store, name, id)
			}
			if err != nil && !errors.Is(err, broadcast.ErrNotFound) { // it may have expired
				return err
			}
		}
	}
	return nil
}

func (r *run) checkBroadcast(ctx context.Context, store *broadcast.Store, app, id string) error {
	if r.bounded() {
		b, err := store.Get(ctx, id)
		if err != nil || !r.wasOn(b) {
			return err
		}
	}
	b, err := store.CheckBooks(ctx, id, broadcast.BookCheck{
		SumsOnly: r.sumsOnly,
		Each:     func(recipients int, work func() error) error { return r.page(ctx, recipients, work) },
		Found: func(text string) error {
			return r.report(Finding{ID: id, App: app, Queue: tasks.Queue(app, tasks.Bulk), Kind: Off, Text: text})
		},
	})
	if err != nil {
		return err
	}
	r.sums[app].addBroadcast(b)
	return nil
}

// wasOn reports whether a broadcast existed in the time of the audit, and was not over.
func (r *run) wasOn(b *broadcast.Broadcast) bool {
	return (r.Until.IsZero() || !b.CreatedAt.After(r.Until)) && (b.FinishedAt.IsZero() || !b.FinishedAt.Before(r.Since))
}

// addBroadcast counts the recipients of a broadcast.
func (s *Sums) addBroadcast(b *broadcast.Broadcast) {
	s.Broadcasts++
	s.Enqueued += b.Recipients
	s.Accepted += b.Counts.Accepted
	s.Invalid += b.Counts.Invalid
	s.Unlicensed += b.Counts.Unlicensed
	s.Rejected += b.Counts.Rejected
	s.Unknown += b.Counts.Unknown
	s.Expired += b.Counts.Expired
	s.Cancelled += b.Counts.Cancelled
	s.Pending += b.Counts.Pending
}
