package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

// Minute counts the calls of an app in one minute.
type Minute struct {
	Calls  int // that ended
	Failed int // messages that were rejected, are partial or unknown, or have expired
}

// LastHour has the last sixty minutes, the current one last.
type LastHour [60]Minute

// Sum adds up the minutes.
func (h LastHour) Sum() (sum Minute) {
	for _, m := range h {
		sum.Calls += m.Calls
		sum.Failed += m.Failed
	}
	return sum
}

// LastCall is the latest minute before now in which a call ended, zero if none did in the hour.
func (h LastHour) LastCall(now time.Time) time.Time {
	for back := range h {
		if h[len(h)-1-back].Calls > 0 {
			return now.Truncate(time.Minute).Add(-time.Duration(back) * time.Minute)
		}
	}
	return time.Time{}
}

// LastHours reads the last hour of each app before now, all in one round trip.
func LastHours(ctx context.Context, rdb redis.UniversalClient, now time.Time, apps ...string) ([]LastHour, error) {
	const perHour = 60
	minute := now.Unix() / perHour
	hour := minute / perHour
	replies := make([][2]*redis.MapStringStringCmd, len(apps))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, app := range apps {
			for back := range replies[i] {
				replies[i][back] = p.HGetAll(ctx, keys.Minutes(app, strconv.FormatInt(hour-int64(back), 10)))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was called in the last hour: %w", err)
	}
	hours := make([]LastHour, len(apps))
	for i := range apps {
		for back, reply := range replies[i] {
			hours[i].add(reply.Val(), (hour-int64(back))*perHour-(minute-perHour+1))
		}
	}
	return hours, nil
}

// add adds the counts of an hour of Redis, whose first minute is at index begin.
func (h *LastHour) add(counts map[string]string, begin int64) {
	for field, value := range counts {
		name, what, _ := strings.Cut(field, " ")
		minute, err := strconv.ParseInt(name, 10, 64)
		number, countErr := strconv.Atoi(value)
		at := begin + minute
		if err != nil || countErr != nil || at < 0 || at >= int64(len(h)) {
			continue
		}
		if what == "failed" {
			h[at].Failed += number
		} else {
			h[at].Calls += number
		}
	}
}
