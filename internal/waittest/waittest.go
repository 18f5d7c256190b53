// Package waittest lets tests wait for events. A wait ends with its event: the bound
// only tells what never happens from what takes long on a loaded machine.
package waittest

import (
	"testing"
	"time"
)

const (
	// Patience bounds a wait for something that takes moments on an idle machine.
	Patience = 2 * time.Minute
	// Interval is how often a test looks whether something has happened.
	Interval = 25 * time.Millisecond
)

// Until looks until happened says so, and fails the test after [Patience]. what names
// the event for the failure.
func Until(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	Within(tb, Patience, what, happened)
}

// Within does so with a bound of its own, for what takes long on every machine.
func Within(tb testing.TB, patience time.Duration, what string, happened func() bool) {
	tb.Helper()
	look := time.NewTicker(Interval)
	defer look.Stop()
	deadline := time.After(patience)
	for !happened() {
		select {
		case <-look.C:
		case <-deadline:
			tb.Fatalf("%s: not within %s", what, patience)
		}
	}
}
