package asynqx

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Set is one of the sets in which a queue keeps its tasks.
type Set string

// The sets of unfinished tasks.
const (
	SetScheduled Set = "scheduled" // for later, by due time
	SetRetry     Set = "retry"     // returned by a worker, by due time
	SetPending   Set = "pending"   // ready
	SetActive    Set = "active"    // being processed
)

// SetRef identifies a set of a queue.
type SetRef struct {
	Queue string
	Set   Set
}

func (r SetRef) key() string { return queueKey(r.Queue, string(r.Set)) }

// isList reports whether a set is in order of arrival.
func (s Set) isList() bool { return s == SetPending || s == SetActive }

// Counts counts the tasks of some sets, in one round trip.
func Counts(ctx context.Context, rdb redis.UniversalClient, refs []SetRef) ([]int, error) {
	replies := make([]*redis.IntCmd, len(refs))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, ref := range refs {
			if ref.Set.isList() {
				replies[i] = p.LLen(ctx, ref.key())
			} else {
				replies[i] = p.ZCard(ctx, ref.key())
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(refs))
	for i, reply := range replies {
		counts[i] = int(reply.Val())
	}
	return counts, nil
}

// Member is a task in a set.
type Member struct {
	ID  string
	Due time.Time // zero in sets without times
}

// Members lists up to n tasks of a set after skipping offset: the latest due, or the latest arrived, come
// first.
func Members(ctx context.Context, rdb redis.UniversalClient, ref SetRef, offset, n int) ([]Member, error) {
	first, last := int64(offset), int64(offset+n-1)
	var members []Member
	var err error
	if ref.Set.isList() {
		var ids []string
		ids, err = rdb.LRange(ctx, ref.key(), first, last).Result()
		for _, id := range ids {
			members = append(members, Member{ID: id})
		}
	} else {
		var entries []redis.Z
		entries, err = rdb.ZRevRangeWithScores(ctx, ref.key(), first, last).Result()
		for _, entry := range entries {
			id, _ := entry.Member.(string)
			members = append(members, Member{ID: id, Due: time.Unix(int64(entry.Score), 0)})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list the %s tasks of %s: %w", ref.Set, ref.Queue, err)
	}
	return members, nil
}
