package pages

import (
	"fmt"
	"time"
)

// china is the zone of WeCom's days, and of most operators.
var china = time.FixedZone("UTC+8", 8*60*60)

// moment formats a time for the pages; "" for the zero time.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(china).Format("2006-01-02 15:04:05")
}

// span formats a duration in its largest useful unit.
func (l language) span(d time.Duration) string {
	switch {
	case d < time.Second:
		return l.say("<1 s")
	case d < 2*time.Minute:
		return fmt.Sprintf(l.say("%d s"), int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf(l.say("%d min"), int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf(l.say("%d h"), int(d.Hours()))
	}
	return fmt.Sprintf(l.say("%d d"), int(d.Hours()/24))
}

// left is the time until t, at least a second.
func (l language) left(until time.Time) string { return l.span(max(time.Until(until), time.Second)) }

// ago formats the time since t.
func (l language) ago(at time.Time) string {
	return fmt.Sprintf(l.say("%s ago"), l.span(max(time.Since(at), 0)))
}
