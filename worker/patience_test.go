package worker_test

import (
	"testing"
	"time"
)

// patience bounds every wait for something that takes moments on an idle machine.
const patience = time.Minute

// eventually polls until happened says so; what names it for the failure.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}
