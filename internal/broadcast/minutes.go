package broadcast

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
)

// Minute is how many calls finished in a minute.
type Minute struct {
	At       time.Time `json:"at"`
	Accepted int       `json:"accepted"` // by WeCom, for all their recipients
	Failed   int       `json:"failed"`   // for some of them, or all
}

// Minutes returns the minutes in which calls of the broadcast finished, in order.
func (s *Store) Minutes(ctx context.Context, id string) ([]Minute, error) {
	fields, err := s.rdb.HGetAll(ctx, keys.BroadcastMinutes(s.app, id)).Result()
	if err != nil {
		return nil, fmt.Errorf("broadcast %s: %w", id, err)
	}
	byMinute := map[int64]*Minute{}
	for field, value := range fields {
		number, kind, _ := strings.Cut(field, " ")
		minute, err := strconv.ParseInt(number, 10, 64)
		calls, countErr := strconv.Atoi(value)
		if err != nil || countErr != nil {
			continue
		}
		m := byMinute[minute]
		if m == nil {
			m = &Minute{At: time.Unix(minute*60, 0).UTC()}
			byMinute[minute] = m
		}
		if kind == "ok" {
			m.Accepted += calls
		} else {
			m.Failed += calls
		}
	}
	all := make([]Minute, 0, len(byMinute))
	for _, m := range byMinute {
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b Minute) int { return cmp.Compare(a.At.Unix(), b.At.Unix()) })
	return all, nil
}
