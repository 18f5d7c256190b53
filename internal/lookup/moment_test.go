package lookup_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/lookup"
)

func TestAMomentIsATimeOrAnAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 9, 3, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"90m":                       now.Add(-90 * time.Minute),
		"0s":                        now,
		"2026-12-01T09:03:00+08:00": now.Add(-8 * time.Hour),
	} {
		if got, err := lookup.Moment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"-90m", "90", "yesterday", "2026-12-01", "2026-12-01 09:03:00", "昨天", strings.Repeat("9", 1000)} {
		_, err := lookup.Moment(text, now)
		if err == nil || !strings.Contains(err.Error(), "nor a time ago such as 90m") || len(err.Error()) > 250 {
			t.Errorf("%.20q: %v, want an error that says what it may be", text, err)
		}
	}
}
