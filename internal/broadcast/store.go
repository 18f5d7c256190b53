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

// ErrNotFound reports a broadcast that does not exist, or has expired.
var ErrNotFound = errors.New("no such broadcast")

// Store holds the broadcasts of one app.
type Store struct {
	rdb       redis.UniversalClient
	app       string
	recordTTL time.Duration
	clock     *redisclock.Clock
	files     *media.Store

	// Spend, if set, charges a broadcast to this number of recipients to its creator's budget, and returns an error
	// if it does not fit; undo refunds it. A replay is not charged again.
	Spend func(ctx context.Context, recipients int) (undo func(), err error)
}

// New returns the broadcasts of app; each is kept for that long after it is finished.
func New(rdb redis.UniversalClient, app string, recordTTL time.Duration) *Store {
	return &Store{
		rdb: rdb, app: app, recordTTL: recordTTL, clock: redisclock.New(rdb),
		files: media.New(rdb, media.Config{App: app, TTL: recordTTL, MaxBytes: math.MaxInt64}), // no files are added here
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

// load reads broadcasts in one round trip; a missing one is nil.
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

// IDs yields the ids of the broadcasts, oldest first, page by page.
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

// newest returns the ids of the newest broadcasts.
func (s *Store) newest(ctx context.Context, limit int) ([]string, error) {
	ids, err := s.rdb.ZRevRange(ctx, keys.Broadcasts(s.app), 0, int64(limit)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("list broadcasts: %w", err)
	}
	return ids, nil
}

// enqueueFeeder ensures that the broadcast has its task in the queue.
func (s *Store) enqueueFeeder(ctx context.Context, id string, at time.Time) error {
	now, err := s.clock.Now(ctx)
	if err != nil {
		return fmt.Errorf("enqueue broadcast %s: %w", id, err)
	}
	if !at.After(now) {
		at = time.Time{}
	}
	task := asynqx.NewTask(tasks.BroadcastTask(s.app, id, now), 0, at)
	task.Owed, task.Replaces = true, true // it may have been archived in the dashboard
	result := asynqx.BulkEnqueue(ctx, s.rdb, now, []asynqx.Task{task})[0]
	if result.Err != nil && !errors.Is(result.Err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue broadcast %s: %w", id, result.Err)
	}
	return nil
}

// wakeFeeder enqueues the broadcast's task, or runs it at once if it is waiting for its next step.
func (s *Store) wakeFeeder(ctx context.Context, id string, at time.Time) error {
	now, err := s.clock.Now(ctx)
	if err == nil && !at.After(now) {
		_, err = asynqx.Hasten(ctx, s.rdb, asynqx.TaskRef{Queue: tasks.Queue(s.app, tasks.Bulk), ID: id})
	}
	return errors.Join(err, s.enqueueFeeder(ctx, id, at))
}

// Heal enqueues missing feeders: a task can be lost with Redis's last second, or be deleted or archived in
// the dashboard. It also extends the TTL of the files of unfinished broadcasts, which may wait longer than a
// file is kept.
func (s *Store) Heal(ctx context.Context) error {
	ids, err := s.newest(ctx, maxActive)
	if err != nil || len(ids) == 0 {
		return err
	}
	states := make([]*redis.StringCmd, len(ids)) // most are finished, and need no more
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			states[i] = p.HGet(ctx, keys.Broadcast(s.app, id), "state")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) { // Nil means that one has expired
		return fmt.Errorf("check broadcasts: %w", err)
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

// healed are the states that Heal checks.
var healed = []State{AwaitingApproval, Scheduled, Running, Paused}

// maxActive bounds how many of the newest broadcasts are checked.
const maxActive = 100
