package tasks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/tasks"
)

func TestWhatAStateAllows(t *testing.T) {
	t.Parallel()
	type allows struct{ Final, Dead, Replayable, Sent bool }
	want := map[tasks.State]allows{
		tasks.Scheduled: {},
		tasks.Queued:    {},
		tasks.Held:      {},
		tasks.Sending:   {},
		tasks.Accepted:  {Final: true, Sent: true},
		tasks.Partial:   {Final: true, Sent: true, Replayable: true},
		tasks.Rejected:  {Final: true, Dead: true, Replayable: true},
		tasks.Unknown:   {Final: true, Dead: true, Replayable: true},
		tasks.Expired:   {Final: true},
		tasks.Cancelled: {Final: true},
	}
	got := map[tasks.State]allows{}
	for _, s := range tasks.States() {
		got[s] = allows{Final: s.Final(), Dead: s.Dead(), Replayable: s.Replayable(), Sent: s.Sent()}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
