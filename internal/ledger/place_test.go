package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
)

func TestPlacesGoOnBehindOneThatHasMoved(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	start := time.UnixMilli(1_790_000_000_000)
	for i := range 10 { // four in one millisecond, more than a page
		plant(t, rdb, fmt.Sprint("ops-", i), start.Add(time.Duration(max(i-3, 0))*time.Millisecond))
	}
	var got []string
	var behind ledger.Place
	for {
		places, err := l.Places(t.Context(), ledger.All, ledger.Query{}, behind, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range places {
			got = append(got, place.ID)
		}
		if len(places) < 2 {
			break
		}
		behind = places[1]
		plant(t, rdb, behind.ID, start.Add(time.Hour))
	}
	want := []string{"ops-9", "ops-8", "ops-7", "ops-6", "ops-5", "ops-4", "ops-3", "ops-2", "ops-1", "ops-0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	since := ledger.Query{Since: start.Add(2 * time.Millisecond), Until: start.Add(3 * time.Millisecond)}
	between, err := l.Places(t.Context(), ledger.All, since, ledger.Place{}, 9)
	if diff := cmp.Diff([]ledger.Place{{At: start.UnixMilli() + 2, ID: "ops-5"}}, between); diff != "" || err != nil {
		t.Errorf("in a time: %v (-want +got):\n%s", err, diff)
	}
}
