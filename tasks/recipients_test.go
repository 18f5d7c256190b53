package tasks_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/tasks"
)

// drawRecipients are the outcomes for a message's recipients, as WeCom may name them.
func drawRecipients(t *rapid.T, state tasks.State) (r tasks.Recipients, named int) {
	draw := func(what string) []string {
		ids := make([]string, rapid.IntRange(0, 5).Draw(t, what))
		for i := range ids {
			ids[i] = fmt.Sprint(what, i)
		}
		return ids
	}
	r = tasks.Recipients{
		Invalid: draw("invalid"), Unlicensed: draw("unlicensed"),
		InvalidParties: draw("party"), InvalidTags: draw("tag"), Deferred: rapid.IntRange(0, 3).Draw(t, "deferred"),
	}
	rest := rapid.IntRange(0, 20).Draw(t, "rest")
	if state.Sent() && rapid.Bool().Draw(t, "counted") {
		r.Accepted = rest
	}
	return r, r.Refused() + rest
}

func TestCountsOfAMessageAndOfItsPartsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var parts []tasks.Record
		all, sum, deferred := 0, 0, 0
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			state := rapid.SampledFrom(allStates[1:]).Draw(t, "state")
			r, named := drawRecipients(t, state)
			want := named + r.Deferred
			r = r.WithOutcome(state, named)
			if !state.Final() {
				want = r.Refused() + r.Deferred
			}
			if r.Total() != want {
				t.Fatalf("%s, named %d: the outcomes %+v are %d, want %d", state, named, r, r.Total(), want)
			}
			if again := r.WithOutcome(state, named); again.Total() != want {
				t.Fatalf("decided twice, the outcomes are %d, want %d", again.Total(), want)
			}
			all, sum, deferred = all+1, sum+want, deferred+r.Deferred
			parts = append(parts, tasks.Record{ID: "ops-1", State: state, Recipients: r})
		}
		if all > 1 { // a follow-up is among the parts, and its record counts those deferred to it
			sum -= deferred
		}
		if got := tasks.Merge(parts).Recipients.Total(); got != sum {
			t.Fatalf("the outcomes of %d parts are %d, want %d", all, got, sum)
		}
	})
}
