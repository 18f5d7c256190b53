package broadcast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/tasks"
)

// ErrNotFound is returned for a broadcast that does not exist, or has expired.
var ErrNotFound = errors.New("no such broadcast")

// lifetime is how long a broadcast may take, as its messages may.
const lifetime = 90 * 24 * time.Hour

// Store holds the broadcasts of one app.
type Store struct {
	rdb   redis.UniversalClient
	app   string
	keep  time.Duration
	clock *redisclock.Clock
}

// New gives the broadcasts of app; each is kept for that long once it has ended.
func New(rdb redis.UniversalClient, app string, keep time.Duration) *Store {
	return &Store{rdb: rdb, app: app, keep: keep, clock: redisclock.New(rdb)}
}

// Get looks up a broadcast.
func (s *Store) Get(ctx context.Context, id string) (*Broadcast, error) {
	var fields *redis.MapStringStringCmd
	var open *redis.StringSliceCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		fields = p.HGetAll(ctx, keys.Broadcast(s.app, id))
		open = p.HVals(ctx, keys.BroadcastOpen(s.app, id))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up broadcast %s: %w", id, err)
	}
	if len(fields.Val()) == 0 {
		return nil, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return readBroadcast(s.app, id, fields.Val(), open.Val())
}

// List returns the newest broadcasts, newest first.
func (s *Store) List(ctx context.Context, limit int) ([]*Broadcast, error) {
	ids, err := s.rdb.ZRevRange(ctx, keys.Broadcasts(s.app), 0, int64(limit)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("list broadcasts: %w", err)
	}
	all := make([]*Broadcast, 0, len(ids))
	for _, id := range ids {
		b, err := s.Get(ctx, id)
		if errors.Is(err, ErrNotFound) { // it has expired
			s.rdb.ZRem(ctx, keys.Broadcasts(s.app), id)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
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
	task.Owed = true
	result := asynqx.BulkEnqueue(ctx, s.rdb, now, []asynqx.Task{task})[0]
	if result.Err != nil && !errors.Is(result.Err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue broadcast %s: %w", id, result.Err)
	}
	return nil
}

// Heal enqueues the feeders of broadcasts that should have one: its task can be lost with
// Redis's last second, or be deleted in the dashboard.
func (s *Store) Heal(ctx context.Context) error {
	all, err := s.List(ctx, maxActive)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.State == Running || b.State == Scheduled || b.State == Paused {
			err = errors.Join(err, s.enqueueFeeder(ctx, b.ID, b.Spec.At))
		}
	}
	return err
}

// maxActive bounds how many of the newest broadcasts are looked after.
const maxActive = 100
