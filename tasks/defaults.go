package tasks

import "time"

const (
	// DefaultConcurrency is how many calls of an app each process has in flight at most.
	DefaultConcurrency = 16
	// DefaultUnknownResends is how often a message is sent again whose attempts got no
	// answer: somebody may get it as often, and once more.
	DefaultUnknownResends = 2
	// DefaultRecordTTL is how long a record is kept after its last change.
	DefaultRecordTTL = 7 * 24 * time.Hour
)

// DefaultRetention is how long finished tasks stay in the asynq dashboard: a day,
// and an hour for those of broadcasts, because a million of them fill a Redis.
func DefaultRetention() map[Priority]time.Duration {
	return map[Priority]time.Duration{Critical: 24 * time.Hour, Default: 24 * time.Hour, Bulk: time.Hour}
}
