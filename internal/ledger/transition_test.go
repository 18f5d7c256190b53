package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// states are the possible states of a record, None first.
var states = append([]tasks.State{tasks.None}, tasks.States()...)

func TestSettleKeepsToTheTableOfTransitions(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	for i, from := range states {
		for _, to := range states[2:] {
			id := fmt.Sprintf("ops-%d-%s", i, to)
			if from != tasks.None {
				if err := rdb.HSet(t.Context(), keys.Record("ops", id), "state", string(from)).Err(); err != nil {
					t.Fatal(err)
				}
			}
			allowed := false
			for _, state := range tasks.From(to) {
				allowed = allowed || state == from
			}
			want := from
			if allowed {
				want = to
			}
			if got := settle(t, l, id, tasks.Settlement{State: to}); got.State != want {
				t.Errorf("%q settled %s is %q, want %q", from, to, got.State, want)
			}
		}
	}
}

// TestEveryRecipientHasAnOutcome settles messages with outcomes in any order: when one has ended, everyone it names
// is counted once.
func TestEveryRecipientHasAnOutcome(t *testing.T) {
	t.Parallel()
	l := open(redistest.New(t))
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		id := fmt.Sprint("ops-", n)
		for range rapid.IntRange(1, 6).Draw(rt, "attempts") {
			if rapid.Bool().Draw(rt, "begins") {
				begin(t, l, id, doubling)
			}
			s := tasks.Settlement{
				State:          rapid.SampledFrom(states[2:]).Draw(rt, "state"),
				OutcomeUnknown: rapid.Bool().Draw(rt, "unknown"),
			}
			for _, user := range []string{"a", "b", "c", "d", "e"} { // those of payload
				switch rapid.SampledFrom([]string{"fine", "invalid", "unlicensed"}).Draw(rt, user) {
				case "invalid":
					s.Recipients.Invalid = append(s.Recipients.Invalid, user)
				case "unlicensed":
					s.Recipients.Unlicensed = append(s.Recipients.Unlicensed, user)
				}
			}
			if rapid.Bool().Draw(rt, "party") {
				s.Recipients.InvalidParties = []string{"9"}
			}
			got := settle(t, l, id, s)
			if total := got.Recipients.Total(); got.State.Final() && total != 6 {
				rt.Fatalf("%s: %d recipients have an outcome, want 6: %+v", got.State, total, got.Recipients)
			}
			read, err := l.Record(t.Context(), id)
			if err != nil || read.Recipients.Total() != got.Recipients.Total() {
				rt.Fatalf("read back: %+v, error %v; want %+v", read.Recipients, err, got.Recipients)
			}
		}
	})
}

// A message may be held before its first attempt, with its recipients named.
func TestTheOutcomeOfAFirstAttemptReplacesWhatWasSettledBefore(t *testing.T) {
	t.Parallel()
	l := open(redistest.New(t))
	settle(t, l, "ops-1", tasks.Settlement{State: tasks.Held, Recipients: tasks.Recipients{Invalid: []string{"a"}, Unlicensed: []string{"c"}}})
	begin(t, l, "ops-1", doubling)
	got := settle(t, l, "ops-1", tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 5, Invalid: []string{"b"}}})
	read, err := l.Record(t.Context(), "ops-1")
	if diff := cmp.Diff(got, read); diff != "" || err != nil {
		t.Errorf("the record read back, %v (-settled +read):\n%s", err, diff)
	}
	if len(read.Recipients.Unlicensed) > 0 || !slices.Equal(read.Recipients.Invalid, []string{"b"}) {
		t.Errorf("recipients %+v, want those of the attempt only", read.Recipients)
	}
}

func TestWhatWeComMayHaveIsNotCancelledButUnknown(t *testing.T) {
	t.Parallel()
	l := open(redistest.New(t))
	begin(t, l, "ops-1", doubling)
	settle(t, l, "ops-1", tasks.Settlement{State: tasks.Queued, OutcomeUnknown: true})
	if got := settle(t, l, "ops-1", tasks.Settlement{State: tasks.Cancelled}); got.State != tasks.Unknown || got.Recipients.Unknown != 6 {
		t.Errorf("record %+v, want it unknown for all", got)
	}
}
