package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// tailBlock is how long one read waits for news: a wait in go-redis does not end
// with its context.
const tailBlock = 500 * time.Millisecond

// Tail yields the chosen records of messages that end, each when it ends, until
// ctx does. With Since it begins with those that ended from then on; without it,
// with the next one.
func (l *Ledger) Tail(ctx context.Context, q Query) iter.Seq2[tasks.Record, error] {
	return func(yield func(tasks.Record, error) bool) {
		err := l.tail(ctx, q, func(r tasks.Record) bool { return yield(r, nil) })
		if err != nil && ctx.Err() == nil {
			yield(tasks.Record{}, err)
		}
	}
}

// tail returns nil when it was told to stop.
func (l *Ledger) tail(ctx context.Context, q Query, yield func(tasks.Record) bool) error {
	last, err := l.lastResult(ctx)
	if err != nil {
		return err
	}
	listed := map[string]time.Time{}
	if !q.Since.IsZero() {
		if proceed, err := l.catchUp(ctx, q, listed, yield); err != nil || !proceed {
			return err
		}
	}
	for ctx.Err() == nil {
		records, err := l.news(ctx, &last)
		if err != nil {
			return err
		}
		for _, record := range records {
			// One that ended while the past was listed comes only once.
			if q.Match(record) && !listed[record.ID].Equal(record.FinishedAt) && !yield(record) {
				return nil
			}
			delete(listed, record.ID)
		}
	}
	return nil
}

// catchUp yields what ended since q.Since, and notes what the stream will bring
// again. It returns false when it was told to stop.
func (l *Ledger) catchUp(ctx context.Context, q Query, listed map[string]time.Time, yield func(tasks.Record) bool) (bool, error) {
	began, err := l.rdb.Time(ctx).Result()
	if err != nil {
		return false, fmt.Errorf("ask Redis for the time: %w", err)
	}
	for record, err := range l.Records(ctx, q) {
		if err != nil {
			return false, err
		}
		if !record.State.Final() {
			continue
		}
		if record.FinishedAt.After(began.Add(-time.Second)) {
			listed[record.ID] = record.FinishedAt
		}
		if !yield(record) {
			return false, nil
		}
	}
	return true, nil
}

// lastResult is the place in the stream after which the news begin.
func (l *Ledger) lastResult(ctx context.Context) (string, error) {
	newest, err := l.rdb.XRevRangeN(ctx, keys.Results(l.app), "+", "-", 1).Result()
	if err != nil {
		return "", fmt.Errorf("read the result stream: %w", err)
	}
	if len(newest) == 0 {
		return "0-0", nil
	}
	return newest[0].ID, nil
}

// news waits for a moment for messages that end, and moves last behind them.
func (l *Ledger) news(ctx context.Context, last *string) ([]tasks.Record, error) {
	streams, err := l.rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{keys.Results(l.app), *last}, Count: pageSize, Block: tailBlock,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the result stream: %w", err)
	}
	var ids []string
	for _, entry := range streams[0].Messages {
		id, _ := entry.Values["id"].(string)
		ids = append(ids, id)
		*last = entry.ID
	}
	return l.read(ctx, ids)
}
