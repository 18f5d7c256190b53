package sim_test

import (
	"slices"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

const (
	// overtaking is how long after an alert others may still come before it: the maximum of an idle worker's poll, a
	// call in flight and the rest of a second.
	overtaking = 5 * time.Second
	// dawdling is how late a message may be that waits for nothing: a delay ends with a second, a poll takes a tenth
	// of one, and the first call fetches a token.
	dawdling = 2 * time.Second
	// slowness is how long a call takes if WeCom is slow; that is less than its timeout.
	slowness = 6 * time.Second
	// forgotten is how long a process uses the old time after a clock was set.
	forgotten = 12 * time.Second
)

// skewed reports whether Redis's clock differs or differed from WeCom's: then limits and the quota's day begin
// and end at other times.
func (w *world) skewed() bool { return len(w.steps) > 0 }

// plain reports whether only limits could delay a message after it was due.
func plain(c confirmed, records map[string]tasks.Record) bool {
	return records[c.id].Attempts == 1 && len(records[c.id].Parts) < 2
}

// checkAlerts: an alert waits for one due call, and otherwise only for other alerts.
func (w *world) checkAlerts(sent []confirmed, records map[string]tasks.Record, arrived map[string]arrival) {
	alerts := map[string]bool{}
	for _, c := range sent {
		alerts[c.text] = c.critical
	}
	for _, alert := range sent {
		came := arrived[alert.text].first
		if !alert.critical || came.IsZero() || !plain(alert, records) {
			continue
		}
		due := alert.enqueuedAt.Add(alert.options.Delay)
		for text, other := range arrived {
			if other.app == alert.app && !alerts[text] && slices.ContainsFunc(other.at, func(at time.Time) bool {
				return at.Sub(due) > overtaking && at.Before(came)
			}) {
				w.Errorf("%q overtook the alert %s", text, alert.id)
			}
		}
	}
}

// checkReserve: if WeCom is slow, an alert does not wait for the calls in flight.
func (w *world) checkReserve(sent []confirmed, records map[string]tasks.Record, arrived map[string]arrival) {
	for _, alert := range sent {
		came, due := arrived[alert.text].first, alert.enqueuedAt.Add(alert.options.Delay)
		if !alert.critical || came.IsZero() || !plain(alert, records) || due.Before(firstOf(arrived, alert.app)) { // there was no token
			continue
		}
		if slices.ContainsFunc(sent, func(other confirmed) bool { // which may have the call that is reserved for alerts
			at := arrived[other.text].first
			return other.critical && other.app == alert.app && other.id != alert.id && at.After(due) && !at.After(came.Add(slowness))
		}) {
			continue
		}
		if late, bound := came.Sub(due)-slowness, dawdling+2*w.gap(); late > bound {
			w.Errorf("the alert %s began %s after its time, want %s at most: calls take %s", alert.id, late, bound, slowness)
		}
	}
}

// firstOf is when the first message of an app arrived.
func firstOf(arrived map[string]arrival, app string) (first time.Time) {
	for _, a := range arrived {
		if a.app == app && (first.IsZero() || a.first.Before(first)) {
			first = a.first
		}
	}
	return first
}

// gap is the time between two calls of an app at its limit.
func (w *world) gap() time.Duration { return time.Minute / time.Duration(w.limits.CallsPerMinute) }

// checkLate: no message is later than necessary. It waits for others only, at the rate: as long as it waits, the
// app makes a call in each gap between calls.
func (w *world) checkLate(sent []confirmed, records map[string]tasks.Record, arrived map[string]arrival) {
	for _, c := range sent {
		a, came := arrived[c.text]
		if !came || !plain(c, records) {
			continue
		}
		due, calls := c.enqueuedAt.Add(c.options.Delay), 0
		for _, other := range arrived {
			for _, at := range other.at {
				if other.app == c.app && at.After(due) && at.Before(a.first) {
					calls++
				}
			}
		}
		bound := dawdling + w.gap()*time.Duration(calls+1)*11/10
		if late := a.first.Sub(due); late > bound {
			w.Errorf("%s came %s after its time, want %s at most: %d calls went before it, one each %s", c.id, late, bound, calls, w.gap())
		}
	}
}

// checkEarly: no message comes before its time, by Redis's clock.
func (w *world) checkEarly(sent []confirmed, arrived map[string]arrival) {
	for _, c := range sent {
		a, came := arrived[c.text]
		if !came || c.options.Delay == 0 {
			continue
		}
		passed := a.first.Sub(c.askedAt)
		for _, s := range w.steps {
			if s.at.Add(forgotten).After(c.askedAt) && s.at.Before(a.first) {
				passed += max(s.by, 0)
			}
			// The gateway got a time by the new clock, and still used the old one.
			if c.overHTTP && s.at.Before(c.enqueuedAt) && s.at.Add(forgotten).After(c.askedAt) {
				passed += max(-s.by, 0)
			}
		}
		if passed < c.options.Delay {
			w.Errorf("%s came %s after it was sent, want %s at least", c.id, passed, c.options.Delay)
		}
	}
}
