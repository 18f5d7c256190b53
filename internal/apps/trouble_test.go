package apps_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/pacing"
)

func TestTheWorstTroubleComesFirst(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_790_000_000, 0)
	paused := []apps.Cause{{By: pacing.Paused}}
	want := []string{"waits longest", "as long, with fewer", "waits", "paused, nothing waits", "inconsistent", "busy", "fine"}
	all := []apps.Status{
		{App: want[5], WaitingSince: start},
		{App: want[3], Stuck: paused},
		{App: want[2], Stuck: paused, WaitingSince: start.Add(time.Second), Queues: []apps.Queue{{Waiting: 9}}},
		{App: want[1], Stuck: paused, WaitingSince: start, Queues: []apps.Queue{{Waiting: 1}}},
		{App: want[6]},
		{App: want[0], Stuck: paused, WaitingSince: start, Queues: []apps.Queue{{Held: 2}}},
		{App: want[4], Audit: &audit.Result{Imbalance: 1}},
	}
	slices.SortStableFunc(all, apps.CompareTrouble)
	var got []string
	for _, s := range all {
		got = append(got, s.App)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
