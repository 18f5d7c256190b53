package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// tailBlock bounds how long one read waits for new entries: a blocking read of go-redis does not end with its
	// context.
	tailBlock = 500 * time.Millisecond
	// tailOverlap is how far a read of the index overlaps with what was yielded: stream and index are dated one
	// after the other.
	tailOverlap = time.Second
)

// Tail yields matching records of messages as they end, until ctx does. With Since it starts with those that
// ended from then on; without it, with the next one. A slow reader misses nothing. After an error the caller can
// continue, and Tail continues where it was.
func (l *Ledger) Tail(ctx context.Context, q Query) iter.Seq2[tasks.Record, error] {
	return func(yield func(tasks.Record, error) bool) {
		t := &tail{Ledger: l, query: q, told: map[string]time.Time{}, yield: yield}
		for ctx.Err() == nil {
			proceed, err := t.step(ctx)
			if err != nil && ctx.Err() == nil {
				proceed = yield(tasks.Record{}, err)
			}
			if !proceed {
				return
			}
		}
	}
}

// tail reads the stream of results. The stream is short: if it no longer reaches back to what was yielded, the
// index of records fills the gap.
type tail struct {
	*Ledger
	query Query
	yield func(tasks.Record, error) bool

	since  time.Time            // nothing that ended earlier is yielded
	last   string               // the newest entry of the stream that was read
	at     time.Time            // everything that ended tailOverlap before this was yielded
	told   map[string]time.Time // when those ended that were yielded and ended later, by id
	behind bool                 // the stream does not have all of the rest
}

// step returns false if the caller stops.
func (t *tail) step(ctx context.Context) (bool, error) {
	switch {
	case t.last == "":
		return true, t.begin(ctx)
	case t.behind:
		return t.catchUp(ctx)
	default:
		return t.read(ctx)
	}
}

// begin finds the entry after which new results begin.
func (t *tail) begin(ctx context.Context) error {
	now, err := t.Now(ctx)
	if err != nil {
		return err
	}
	t.since = now
	if !t.query.Since.IsZero() {
		t.since, t.behind = t.query.Since, true
	}
	t.at = t.since
	t.last, err = t.lastResult(ctx)
	return err
}

// lastResult is the newest entry of the stream.
func (t *tail) lastResult(ctx context.Context) (string, error) {
	newest, err := t.rdb.XRevRangeN(ctx, keys.Results(t.app), "+", "-", 1).Result()
	if err != nil {
		return "", fmt.Errorf("read the result stream: %w", err)
	}
	if len(newest) == 0 {
		return nothing, nil
	}
	return newest[0].ID, nil
}

// nothing is the place before all entries of a stream.
const nothing = "0-0"

// catchUp yields what ended since t.at from the index, and then continues with newer entries of the stream. If
// it fails, it starts again from the same place.
func (t *tail) catchUp(ctx context.Context) (bool, error) {
	last, err := t.lastResult(ctx)
	if err != nil {
		return false, err
	}
	q := t.query
	if q.Since = t.at.Add(-tailOverlap); q.Since.Before(t.since) {
		q.Since = t.since
	}
	for record, err := range t.Records(ctx, q) {
		if err != nil {
			return false, err
		}
		if !record.State.Final() {
			continue
		}
		if !t.tell(record) {
			return false, nil
		}
		t.move(record.FinishedAt)
	}
	t.last, t.behind = t.later(last), false
	return true, nil
}

// later skips entries that a long read of the index has covered: the stream is read from where the index read
// ended, but not before entry.
func (t *tail) later(entry string) string {
	if told := t.at.Add(-tailOverlap / 2); told.After(timeOf(entry)) {
		return strconv.FormatInt(told.UnixMilli(), 10) + "-0"
	}
	return entry
}

// read waits briefly for messages that end.
func (t *tail) read(ctx context.Context) (bool, error) {
	streams, err := t.rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{keys.Results(t.app), t.last}, Count: pageSize, Block: tailBlock,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the result stream: %w", err)
	}
	if t.behind, err = t.outran(ctx); err != nil || t.behind {
		return true, err
	}
	entries := streams[0].Messages
	ids, ended := latest(entries)
	records, err := t.Read(ctx, ids)
	if err != nil {
		return false, err
	}
	for _, record := range records {
		if record.FinishedAt.After(ended[record.ID].Add(tailOverlap)) {
			continue // it has ended again since; a later entry has that
		}
		if record.State.Final() && t.query.Match(record) && !t.tell(record) {
			return false, nil
		}
	}
	t.last = entries[len(entries)-1].ID
	t.move(timeOf(t.last))
	return true, nil
}

// latest returns the messages of entries, in the order of each one's last entry, and the time of that entry.
func latest(entries []redis.XMessage) (ids []string, ended map[string]time.Time) {
	ended = map[string]time.Time{}
	for _, entry := range slices.Backward(entries) {
		id, _ := entry.Values["id"].(string)
		if _, later := ended[id]; !later {
			ids, ended[id] = append(ids, id), timeOf(entry.ID)
		}
	}
	slices.Reverse(ids)
	return ids, ended
}

// outran reports whether the stream has dropped the last entry read, and so perhaps some that were not read.
func (t *tail) outran(ctx context.Context) (bool, error) {
	if t.last == nothing {
		return false, nil
	}
	before, err := t.rdb.XRevRangeN(ctx, keys.Results(t.app), t.last, "-", 1).Result()
	if err != nil {
		return false, fmt.Errorf("read the result stream: %w", err)
	}
	return len(before) == 0, nil
}

// tell yields a record, unless it was already yielded.
func (t *tail) tell(r tasks.Record) bool {
	if at, told := t.told[r.ID]; told && at.Equal(r.FinishedAt) {
		return true
	}
	t.told[r.ID] = r.FinishedAt
	return t.yield(r, nil)
}

// move advances t.at now and then, and forgets what cannot come again.
func (t *tail) move(at time.Time) {
	if at.Sub(t.at) < tailOverlap/2 {
		return
	}
	t.at = at
	maps.DeleteFunc(t.told, func(_ string, ended time.Time) bool { return ended.Before(at.Add(-tailOverlap)) })
}

// timeOf is when an entry was added to the stream.
func timeOf(entry string) time.Time {
	ms, _, _ := strings.Cut(entry, "-")
	at, _ := strconv.ParseInt(ms, 10, 64) // Redis made it
	return time.UnixMilli(at)
}
