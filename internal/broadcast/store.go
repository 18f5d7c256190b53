package broadcast

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/tasks"
)

// ErrNotFound is returned for a broadcast that does not exist, or has expired.
var ErrNotFound = errors.New("no such broadcast")

// Store holds the broadcasts of one app.
type Store struct {
	rdb   redis.UniversalClient
	app   string
	keep  time.Duration
	clock *redisclock.Clock
	files *media.Store

	// Spend, if set, takes what a broadcast to so many uses up from the budget of whoever
	// starts it, and returns an error if there is no room; undo gives it back. A replay is
	// for those for whom it was taken before.
	Spend func(ctx context.Context, recipients int) (undo func(), err error)
}

// New gives the broadcasts of app; each is kept for that long once it has ended.
func New(rdb redis.UniversalClient, app string, keep time.Duration) *Store {
	return &Store{
		rdb: rdb, app: app, keep: keep, clock: redisclock.New(rdb),
		files: media.New(rdb, media.Config{App: app, Keep: keep, MaxBytes: math.MaxInt64}), // it adds none
	}
}

// Get looks up a broadcast.
func (s *Store) Get(ctx context.Context, id string) (*Broadcast, error) {
	found, err := s.load(ctx, []string{id})
	if err != nil {
		return nil, fmt.Errorf("look up broadcast %s: %w", id, err)
	}
	if found[0] == nil {
		return nil, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return found[0], nil
}

// load reads broadcasts in one round trip; one that does not exist is nil.
func (s *Store) load(ctx context.Context, ids []string) ([]*Broadcast, error) {
	fields, open := make([]*redis.MapStringStringCmd, len(ids)), make([]*redis.StringSliceCmd, len(ids))
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			fields[i] = p.HGetAll(ctx, keys.Broadcast(s.app, id))
			open[i] = p.HVals(ctx, keys.BroadcastOpen(s.app, id))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]*Broadcast, len(ids))
	for i, id := range ids {
		if len(fields[i].Val()) == 0 {
			continue
		}
		if all[i], err = readBroadcast(s.app, id, fields[i].Val(), open[i].Val()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// List returns the newest broadcasts, newest first.
func (s *Store) List(ctx context.Context, limit int) ([]*Broadcast, error) {
	ids, err := s.newest(ctx, limit)
	if err != nil || len(ids) == 0 {
		return []*Broadcast{}, err
	}
	all, err := s.load(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list broadcasts: %w", err)
	}
	var expired []any
	for i, b := range all {
		if b == nil {
			expired = append(expired, ids[i])
		}
	}
	if len(expired) > 0 {
		s.rdb.ZRem(ctx, keys.Broadcasts(s.app), expired...)
	}
	return slices.DeleteFunc(all, func(b *Broadcast) bool { return b == nil }), nil
}

// idsPerPage is how many ids are read at once.
const idsPerPage = 500

// IDs goes through the broadcasts, oldest first, page by page.
func (s *Store) IDs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for first := int64(0); ; first += idsPerPage {
			ids, err := s.rdb.ZRange(ctx, keys.Broadcasts(s.app), first, first+idsPerPage-1).Result()
			if err != nil {
				yield("", fmt.Errorf("list broadcasts: %w", err))
				return
			}
			for _, id := range ids {
				if !yield(id, nil) {
					return
				}
			}
			if len(ids) < idsPerPage {
				return
			}
		}
	}
}

// newest are the ids of the newest broadcasts.
func (s *Store) newest(ctx context.Context, limit int) ([]string, error) {
	ids, err := s.rdb.ZRevRange(ctx, keys.Broadcasts(s.app), 0, int64(limit)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("list broadcasts: %w", err)
	}
	return ids, nil
}

// enqueueFeeder makes sure that the broadcast has its task in the queue.
func (s *Store) enqueueFeeder(ctx context.Context, id string, at time.Time) error {
	now, err := s.clock.Now(ctx)
	if err != nil {
		return fmt.Errorf("enqueue broadcast %s: %w", id, err)
	}
	if !at.After(now) {
		at = time.Time{}
	}
	task := asynqx.NewTask(tasks.BroadcastTask(s.app, id, now), 0, at)
	task.Owed, task.Replaces = true, true // somebody may have archived it in the dashboard
	result := asynqx.BulkEnqueue(ctx, s.rdb, now, []asynqx.Task{task})[0]
	if result.Err != nil && !errors.Is(result.Err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue broadcast %s: %w", id, result.Err)
	}
	return nil
}

// wakeFeeder enqueues the broadcast's task, or lets it go at once if it waits for the
// time of its next look.
func (s *Store) wakeFeeder(ctx context.Context, id string, at time.Time) error {
	now, err := s.clock.Now(ctx)
	if err == nil && !at.After(now) {
		_, err = asynqx.Hasten(ctx, s.rdb, asynqx.TaskRef{Queue: tasks.Queue(s.app, tasks.Bulk), ID: id})
	}
	return errors.Join(err, s.enqueueFeeder(ctx, id, at))
}

// Heal enqueues the feeders of broadcasts that should have one: its task can be lost with
// Redis's last second, or be deleted or archived in the dashboard. And it keeps the files
// of broadcasts that have not ended: they may wait for longer than a file is kept.
func (s *Store) Heal(ctx context.Context) error {
	ids, err := s.newest(ctx, maxActive)
	if err != nil || len(ids) == 0 {
		return err
	}
	states := make([]*redis.StringCmd, len(ids)) // most have ended, and need no more
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			states[i] = p.HGet(ctx, keys.Broadcast(s.app, id), "state")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) { // Nil: one has expired
		return fmt.Errorf("look after broadcasts: %w", err)
	}
	var problems []error
	for i, id := range ids {
		if state := State(states[i].Val()); slices.Contains(healed, state) {
			problems = append(problems, s.heal(ctx, id))
		}
	}
	return errors.Join(problems...)
}

func (s *Store) heal(ctx context.Context, id string) error {
	b, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if refs := b.Spec.Template.MediaRefs(); len(refs) > 0 {
		if err := s.files.Prolong(ctx, refs); err != nil {
			return fmt.Errorf("keep the files of %s: %w", id, err)
		}
	}
	if b.State == AwaitingApproval {
		return nil
	}
	return s.enqueueFeeder(ctx, id, b.Spec.At)
}

// healed are the states in which there is something to look after.
var healed = []State{AwaitingApproval, Scheduled, Running, Paused}

// maxActive bounds how many of the newest broadcasts are looked after.
const maxActive = 100
