package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// Newest are the records that were looked through for a page, newest change first.
type Newest struct {
	Records []tasks.Record
	// Looked counts the records that were looked at; More says that there are older
	// ones, which were not.
	Looked int
	More   bool
}

// Bounds limit the search for a page.
type Bounds struct {
	Found  int // records to find at most; at least 1
	Looked int // records to look at at most; at least 1
}

// Newest looks for the newest of the chosen records.
func (l *Ledger) Newest(ctx context.Context, q Query, b Bounds) (Newest, error) {
	return l.newest(ctx, keys.Records(l.app), q, b)
}

// NewestDead looks for the newest of the chosen dead letters.
func (l *Ledger) NewestDead(ctx context.Context, q Query, b Bounds) (Newest, error) {
	return l.newest(ctx, keys.Dead(l.app), q, b)
}

// CountDead counts the dead letters.
func (l *Ledger) CountDead(ctx context.Context) (int, error) {
	since := strconv.FormatInt(time.Now().Add(-l.keep).UnixMilli(), 10)
	n, err := l.rdb.ZCount(ctx, keys.Dead(l.app), since, "+inf").Result()
	if err != nil {
		return 0, fmt.Errorf("count the dead letters of %s: %w", l.app, err)
	}
	return int(n), nil
}

// newest reads pages by rank. What changes meanwhile moves to the front: others may
// come twice, and are left out the second time; itself it may be missed, until the
// next look.
func (l *Ledger) newest(ctx context.Context, index string, q Query, b Bounds) (Newest, error) {
	var found Newest
	seen := map[string]bool{}
	for {
		ids, err := l.newestIDs(ctx, index, q, int64(found.Looked), int64(min(pageSize, b.Looked-found.Looked)))
		if err != nil || len(ids) == 0 {
			return found, err
		}
		records, err := l.read(ctx, ids)
		if err != nil {
			return found, err
		}
		for _, record := range records {
			if seen[record.ID] || !q.Match(record) {
				continue
			}
			if len(found.Records) == b.Found {
				found.More = true
				return found, nil
			}
			seen[record.ID] = true
			found.Records = append(found.Records, record)
		}
		if found.Looked += len(ids); found.Looked >= b.Looked {
			found.More = true
			return found, nil
		}
	}
}

func (l *Ledger) newestIDs(ctx context.Context, index string, q Query, offset, count int64) ([]string, error) {
	between := &redis.ZRangeBy{Min: "-inf", Max: "+inf", Offset: offset, Count: count}
	if !q.Since.IsZero() {
		between.Min = strconv.FormatInt(q.Since.UnixMilli(), 10)
	}
	if !q.Until.IsZero() {
		between.Max = strconv.FormatInt(q.Until.UnixMilli(), 10)
	}
	ids, err := l.rdb.ZRevRangeByScore(ctx, index, between).Result()
	if err != nil {
		return nil, fmt.Errorf("read the index %s: %w", index, err)
	}
	return ids, nil
}
