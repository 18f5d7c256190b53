package tasks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/tasks"
)

// allStates are those of a record, and None first.
var allStates = append([]tasks.State{tasks.None}, tasks.States()...)

func TestTheStateMachine(t *testing.T) {
	t.Parallel()
	// One row per state that a message may be in: what may become of it.
	for from, want := range map[tasks.State]string{
		tasks.None:      "queued held sending accepted partial rejected unknown expired cancelled",
		tasks.Scheduled: "queued held sending accepted partial rejected unknown expired cancelled",
		tasks.Queued:    "queued held sending accepted partial rejected unknown expired cancelled",
		tasks.Held:      "queued held sending accepted partial rejected unknown expired cancelled",
		tasks.Sending:   "queued held sending accepted partial rejected unknown expired",
		tasks.Accepted:  "",
		tasks.Partial:   "",
		tasks.Rejected:  "queued accepted partial",
		tasks.Unknown:   "queued accepted partial",
		tasks.Expired:   "accepted partial",
		tasks.Cancelled: "accepted partial",
	} {
		var got []string
		for _, to := range allStates {
			if tasks.MayBecome(from, to) {
				got = append(got, string(to))
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("from %q (-want +got):\n%s", from, diff)
		}
	}
}

func TestWhatHasEndedStaysSoUntilItIsRunAgainOrWeComAnswersLate(t *testing.T) {
	t.Parallel()
	for _, from := range allStates {
		for _, to := range allStates {
			again := to == tasks.Queued && (from == tasks.Rejected || from == tasks.Unknown)
			if from.Final() && tasks.MayBecome(from, to) && !to.Sent() && !again {
				t.Errorf("%s may become %s", from, to)
			}
			if from.Sent() && tasks.MayBecome(from, to) {
				t.Errorf("%s may become %s, but WeCom has the message", from, to)
			}
		}
	}
}
