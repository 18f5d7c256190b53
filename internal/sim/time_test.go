package sim_test

import (
	"time"

	"github.com/wecomq/wecomq/tasks"
)

const (
	// overtaking is by how much an alert must be older than what may not overtake it: the
	// longest that an idle worker's poll, a call in flight and the end of a second take.
	overtaking = 5 * time.Second
	// dawdling is what a message may be late that waits for nothing: a delay ends with a
	// second, a poll takes a tenth of one, and the first call fetches a token.
	dawdling = 2 * time.Second
	// forgotten is how long a process goes by a clock that was set.
	forgotten = 12 * time.Second
)

// skewed reports whether Redis's clock is or was another than WeCom's: then limits and the
// quota's day begin and end at other moments.
func (w *world) skewed() bool { return len(w.steps) > 0 }

// plain reports whether nothing but limits could hold a message up after it was due.
func plain(c confirmed, records map[string]tasks.Record) bool {
	return records[c.id].Attempts == 1 && len(records[c.id].Parts) < 2
}

// checkAlerts: nothing that was enqueued well after an alert, and could go, went before it.
func (w *world) checkAlerts(sent []confirmed, records map[string]tasks.Record, arrived map[string]arrival) {
	atOnce := func(c confirmed) bool { return c.options.Delay == 0 && plain(c, records) }
	for _, alert := range sent {
		if !alert.critical || !atOnce(alert) {
			continue
		}
		for _, other := range sent {
			if other.app == alert.app && !other.critical && atOnce(other) && other.enqueuedAt.Sub(alert.enqueuedAt) > overtaking &&
				arrived[other.text].first.Before(arrived[alert.text].first) {
				w.Errorf("%s overtook the alert %s", other.id, alert.id)
			}
		}
	}
}

// checkLate: no message is later than it had to be. It waits for others only, at the rate:
// as long as it waits, the app makes a call in each gap between calls.
func (w *world) checkLate(sent []confirmed, records map[string]tasks.Record, arrived map[string]arrival) {
	gap := time.Minute / time.Duration(w.limits.CallsPerMinute)
	for _, c := range sent {
		a, came := arrived[c.text]
		if !came || !plain(c, records) {
			continue
		}
		due, calls := c.enqueuedAt.Add(c.options.Delay), 0
		for _, other := range sent {
			if at := arrived[other.text].first; other.app == c.app && at.After(due) && at.Before(a.first) {
				calls++
			}
		}
		bound := dawdling + gap*time.Duration(calls+1)*11/10
		if late := a.first.Sub(due); late > bound {
			w.Errorf("%s came %s after its time, want %s at most: %d calls went before it, one each %s", c.id, late, bound, calls, gap)
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
		}
		if passed < c.options.Delay {
			w.Errorf("%s came %s after it was sent, want %s at least", c.id, passed, c.options.Delay)
		}
	}
}
