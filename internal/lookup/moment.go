package lookup

import (
	"fmt"
	"time"
)

// Moment parses a time of a query, RFC 3339, or an age such as 90m; "" is the zero time.
func Moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.80q is neither RFC 3339, e.g. 2026-12-01T09:03:00+08:00, nor a time ago such as 90m", text)
	}
	return at, nil
}
