package ledger

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// Place is the position of a record in an index, newest change first; of those that changed in the same
// millisecond the greatest id is first. The zero Place is before all.
type Place struct {
	At int64 // Unix ms of the change
	ID string
}

// Compare is negative if p is before other.
func (p Place) Compare(other Place) int {
	return cmp.Or(cmp.Compare(other.At, p.At), cmp.Compare(other.ID, p.ID))
}

// IDs are the ids of the records at these places.
func IDs(places []Place) []string {
	ids := make([]string, len(places))
	for i, place := range places {
		ids[i] = place.ID
	}
	return ids
}

// Index is a list of records.
type Index string

// The indexes.
const (
	All  Index = "all"  // every record
	Dead Index = "dead" // rejected or unknown, and neither replayed nor purged
)

func (l *Ledger) key(i Index) string {
	if i == Dead {
		return keys.Dead(l.app)
	}
	return keys.Records(l.app)
}

// Places lists the n places after another, within the query's time; its other conditions need the records. Fewer
// than n means that there are no more. A record that changes meanwhile moves to the front, and is not listed
// again.
func (l *Ledger) Places(ctx context.Context, index Index, q Query, behind Place, n int) ([]Place, error) {
	between := q.between(behind)
	between.Count = int64(n)
	var places []Place
	for { // some, or even all, may be in the millisecond of behind and before it
		page, err := l.rdb.ZRevRangeByScoreWithScores(ctx, l.key(index), between).Result()
		if err != nil {
			return nil, fmt.Errorf("read the index %s: %w", l.key(index), err)
		}
		for _, entry := range page {
			id, _ := entry.Member.(string)
			if place := (Place{int64(entry.Score), id}); behind == (Place{}) || behind.Compare(place) < 0 {
				places = append(places, place)
			}
		}
		if len(places) >= n || len(page) < n {
			return places[:min(n, len(places))], nil
		}
		between.Offset += int64(len(page))
	}
}

// between is the query's time, cut off at the newest moment that can follow a place.
func (q Query) between(behind Place) *redis.ZRangeBy {
	between := &redis.ZRangeBy{Min: "-inf", Max: "+inf"}
	if !q.Since.IsZero() {
		between.Min = strconv.FormatInt(q.Since.UnixMilli(), 10)
	}
	if !q.Until.IsZero() {
		between.Max = strconv.FormatInt(q.Until.UnixMilli(), 10)
	}
	if behind != (Place{}) && (q.Until.IsZero() || behind.At < q.Until.UnixMilli()) {
		between.Max = strconv.FormatInt(behind.At, 10)
	}
	return between
}

// Read reads records in one round trip; expired ones are left out.
func (l *Ledger) Read(ctx context.Context, ids []string) ([]tasks.Record, error) {
	records := make([]tasks.Record, 0, len(ids))
	err := l.fetch(ctx, ids, func(id string, fields map[string]string) {
		records = append(records, readRecord(l.app, id, fields))
	})
	return records, err
}
