package webhook

import (
	"strconv"
	"strings"
	"time"
)

// layouts are those of times without a zone.
var layouts = []string{
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006.01.02 15:04:05", "2006/01/02 15:04:05",
}

// anyMoment parses a time in one of the common formats: RFC 3339; seconds, or smaller units, since 1970; or date
// and time, with UTC or an offset after them, or otherwise in this zone.
func anyMoment(text string, zone *time.Location) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, true
	}
	if t, ok := unixMoment(text); ok {
		return t, true
	}
	if local, isUTC := strings.CutSuffix(text, " UTC"); isUTC {
		text, zone = local, time.UTC
	}
	for _, layout := range layouts {
		for _, offset := range []string{"", " -0700", "-0700"} {
			if t, err := time.ParseInLocation(layout+offset, text, zone); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// unixMoment parses a Unix time. Its size determines its unit: each covers the years from 1973 to 5138.
func unixMoment(text string) (time.Time, bool) {
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	const least = 100_000_000
	switch {
	case err != nil || n < least:
		return time.Time{}, false
	case n < least*1e3:
		return time.Unix(n, 0), true
	case n < least*1e6:
		return time.UnixMilli(n), true
	case n < least*1e9:
		return time.UnixMicro(n), true
	}
	return time.Unix(0, n), true
}
