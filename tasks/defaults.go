package tasks

import "time"

const (
	// DefaultConcurrency is how many calls of an app each process may have in flight.
	DefaultConcurrency = 16
	// DefaultUnknownResends is how many times a message is sent again after attempts of unknown outcome. A
	// recipient may get that many duplicates.
	DefaultUnknownResends = 2
	// DefaultRecordTTL is how long a record is kept after its last change.
	DefaultRecordTTL = 7 * 24 * time.Hour
)

// DefaultRetention is how long finished tasks stay in the asynq dashboard: a day, but an hour for bulk,
// because a million of them would fill Redis.
func DefaultRetention() map[Priority]time.Duration {
	return map[Priority]time.Duration{Critical: 24 * time.Hour, Default: 24 * time.Hour, Bulk: time.Hour}
}
