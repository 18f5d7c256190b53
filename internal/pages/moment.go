package pages

import (
	"fmt"
	"time"
)

// china is where WeCom's day begins, and most of its operators are.
var china = time.FixedZone("UTC+8", 8*60*60)

// moment is a time as the pages show it; "" for none.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(china).Format("2006-01-02 15:04:05")
}

// span is a duration in the largest unit that tells enough, in words short enough
// for both languages.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "<1 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// left is the time until a moment, at least a second.
func left(until time.Time) string { return span(max(time.Until(until), time.Second)) }

// ago is the time since a moment.
func ago(at time.Time) string { return span(max(time.Since(at), 0)) }
