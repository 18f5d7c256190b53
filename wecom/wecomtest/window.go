package wecomtest

import "time"

// times are the moments of the newest events in Unix nanoseconds, oldest first.
// They answer exactly whether any sliding window is full.
type times []int64

// full reports whether limit events happened in the span that ends now. An event
// exactly one span ago has left the window. A limit of 0 or less is never full.
func (t times) full(limit int, span time.Duration, now time.Time) bool {
	return limit > 0 && len(t) >= limit && t[len(t)-limit] > now.Add(-span).UnixNano()
}

// add appends an event and remembers at least the newest keep.
func (t times) add(now time.Time, keep int) times {
	if keep = max(keep, 1); len(t) >= 2*keep {
		t = append(t[:0], t[len(t)-keep:]...)
	}
	return append(t, now.UnixNano())
}

// quiet reports whether nothing happened in the span that ends now.
func (t times) quiet(span time.Duration, now time.Time) bool {
	return !t.full(1, span, now)
}
