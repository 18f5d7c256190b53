package ledger

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// pageSize is how many records are in memory at once: a few megabytes if each has a thousand recipients.
const pageSize = 500

// Records yields the matching records, oldest change first, reading page by page. A message that changes
// meanwhile may be yielded twice, the second time in its new state; with Until, it may no longer match. An error
// ends the sequence.
func (l *Ledger) Records(ctx context.Context, q Query) iter.Seq2[tasks.Record, error] {
	return l.walk(ctx, keys.Records(l.app), q)
}

// DeadLetters yields, like Records, the messages that were rejected or whose outcome is unknown, unless they
// were replayed or purged.
func (l *Ledger) DeadLetters(ctx context.Context, q Query) iter.Seq2[tasks.Record, error] {
	return l.walk(ctx, keys.Dead(l.app), q)
}

// Now is Redis's time, which dates the records: use it to separate messages that have ended from those that will.
func (l *Ledger) Now(ctx context.Context) (time.Time, error) {
	now, err := l.rdb.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask Redis for the time: %w", err)
	}
	return now, nil
}

func (l *Ledger) walk(ctx context.Context, index string, q Query) iter.Seq2[tasks.Record, error] {
	return func(yield func(tasks.Record, error) bool) {
		for ids, err := range l.pages(ctx, index, q) {
			var records []tasks.Record
			if err == nil {
				records, err = l.Read(ctx, ids)
			}
			if err != nil {
				yield(tasks.Record{}, err)
				return
			}
			for _, record := range records {
				if q.Match(record) && !yield(record, nil) {
					return
				}
			}
		}
	}
}

// IDs yields the ids of the records that changed within the query's time, a page at a time, as Records does.
func (l *Ledger) IDs(ctx context.Context, q Query) iter.Seq2[[]string, error] {
	return l.pages(ctx, keys.Records(l.app), q)
}

func (l *Ledger) pages(ctx context.Context, index string, q Query) iter.Seq2[[]string, error] {
	p := &pager{ledger: l, index: index, from: "-inf", to: "+inf", seen: map[string]bool{}, size: pageSize}
	if !q.Since.IsZero() {
		p.from = strconv.FormatInt(q.Since.UnixMilli(), 10)
	}
	if !q.Until.IsZero() {
		p.to = strconv.FormatInt(q.Until.UnixMilli(), 10)
	}
	return func(yield func([]string, error) bool) {
		for {
			ids, err := p.next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(ids) == 0 || !yield(ids, nil) {
				return
			}
		}
	}
}

// pager reads an index by time. Entries move to its end meanwhile, so the pager remembers the last time and its
// ids instead of an offset.
type pager struct {
	ledger   *Ledger
	index    string
	from, to string
	seen     map[string]bool // ids at the time of from
	size     int64
}

// next returns the next ids, none at the end.
func (p *pager) next(ctx context.Context) ([]string, error) {
	for {
		page, err := p.ledger.rdb.ZRangeByScoreWithScores(ctx, p.index, &redis.ZRangeBy{
			Min: p.from, Max: p.to, Count: p.size,
		}).Result()
		if err != nil {
			return nil, fmt.Errorf("read the index %s: %w", p.index, err)
		}
		ids := p.fresh(page)
		if len(ids) > 0 || int64(len(page)) < p.size {
			return ids, nil
		}
		p.size *= 2 // more than a page ended in the same millisecond
	}
}

func (p *pager) fresh(page []redis.Z) []string {
	var ids []string
	for _, entry := range page {
		id, _ := entry.Member.(string)
		if at := strconv.FormatInt(int64(entry.Score), 10); at != p.from {
			p.from = at
			clear(p.seen)
		}
		if !p.seen[id] {
			p.seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// fetch calls found with the fields of each record that exists.
func (l *Ledger) fetch(ctx context.Context, ids []string, found func(id string, fields map[string]string)) error {
	replies := make([]*redis.MapStringStringCmd, len(ids))
	_, err := l.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, id := range ids {
			replies[i] = pipe.HGetAll(ctx, keys.Record(l.app, id))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %d records: %w", len(ids), err)
	}
	for i, reply := range replies {
		if fields := reply.Val(); fields["state"] != "" {
			found(ids[i], fields)
		}
	}
	return nil
}
