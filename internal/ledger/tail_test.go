package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// tail collects the first n ids that Tail yields. During the wait for each, more
// messages end, one by one.
func tail(t *testing.T, l *ledger.Ledger, q ledger.Query, n int, more ...tasks.Settlement) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for i := 0; len(more) > 0; i++ {
			select {
			case <-tick.C:
				if _, err := l.Settle(ctx, payload(fmt.Sprintf("ops-%04d", i)), more[i%len(more)]); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	var got []string
	for record, err := range l.Tail(ctx, q) {
		if err != nil {
			t.Error(err)
		}
		if got = append(got, record.ID); len(got) == n {
			cancel()
			break
		}
	}
	<-ended
	if len(got) != n {
		t.Fatalf("%d messages ended, want %d", len(got), n)
	}
	return got
}

func TestTailBeginsWithTheNextMessageThatEnds(t *testing.T) {
	t.Parallel()
	l := ledger.New(redistest.New(t), "ops", time.Hour)
	settle(t, l, "ops-past", tasks.Settlement{State: tasks.Accepted})
	got := tail(t, l, ledger.Query{}, 300, tasks.Settlement{State: tasks.Accepted}, tasks.Settlement{State: tasks.Rejected})
	if slices.Contains(got, "ops-past") || !slices.IsSorted(got) || len(slices.Compact(got)) != 300 {
		t.Errorf("got %v, want 300 that follow each other, without the past", got)
	}
}

func TestTailTellsOnlyOfThoseThatWereChosen(t *testing.T) {
	t.Parallel()
	l := ledger.New(redistest.New(t), "ops", time.Hour)
	got := tail(t, l, ledger.Query{States: []tasks.State{tasks.Rejected}}, 20,
		tasks.Settlement{State: tasks.Accepted}, tasks.Settlement{State: tasks.Rejected}, tasks.Settlement{State: tasks.Queued})
	for _, id := range got {
		if n := 0; len(id) != 8 || func() bool { _, _ = fmt.Sscanf(id, "ops-%d", &n); return n%3 != 1 }() {
			t.Errorf("%s was not rejected", id)
		}
	}
}

func TestTailBeginsInThePastAndTellsNothingTwice(t *testing.T) {
	t.Parallel()
	l := ledger.New(redistest.New(t), "ops", time.Hour)
	settle(t, l, "ops-past", tasks.Settlement{State: tasks.Accepted})
	settle(t, l, "ops-waits", tasks.Settlement{State: tasks.Queued})
	got := tail(t, l, ledger.Query{Since: time.Now().Add(-time.Minute)}, 200, tasks.Settlement{State: tasks.Accepted})
	if got[0] != "ops-past" || slices.Contains(got, "ops-waits") {
		t.Errorf("the first is %s, want ops-past, and nobody who waits", got[0])
	}
	var want []string
	for i := range 199 {
		want = append(want, fmt.Sprintf("ops-%04d", i))
	}
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Errorf("what ended meanwhile (-want +got):\n%s", diff)
	}
}

func TestTailEndsQuietlyWithItsContext(t *testing.T) {
	t.Parallel()
	l := ledger.New(redistest.New(t), "ops", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for record, err := range l.Tail(ctx, ledger.Query{Since: time.Now()}) {
		t.Errorf("record %+v, error %v; want nothing", record, err)
	}
}
