package sequence

import (
	"context"
	"iter"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
)

// OutagePause is the time between two attempts to reach an unavailable Redis.
const OutagePause = 500 * time.Millisecond

// ThroughOutages hides outages of Redis in a sequence that continues after them, and calls tell once for each.
func ThroughOutages[T any](ctx context.Context, all iter.Seq2[T, error], tell func(error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		away := false
		for one, err := range all {
			if !asynqx.IsOutage(err) {
				away = false
				if !yield(one, err) {
					return
				}
				continue
			}
			if !away {
				away = true
				tell(err)
			}
			select {
			case <-time.After(OutagePause):
			case <-ctx.Done():
			}
		}
	}
}
