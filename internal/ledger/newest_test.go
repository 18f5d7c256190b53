package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

func TestNewestRecordsComeFirst(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	start := time.UnixMilli(1_790_000_000_000)
	for i := range 1200 {
		state := "accepted"
		if i%400 == 0 {
			state = "rejected"
		}
		plant(t, rdb, fmt.Sprintf("ops-%d", i), start.Add(time.Duration(i)*time.Second), "state", state)
	}
	rejected := []tasks.State{tasks.Rejected}
	for name, tc := range map[string]struct {
		query  ledger.Query
		bounds ledger.Bounds
		want   []string
		looked int
		more   bool
	}{
		"as many as are wanted":    {bounds: ledger.Bounds{Found: 2, Looked: 9000}, want: []string{"ops-1199", "ops-1198"}, more: true},
		"across pages":             {query: ledger.Query{States: rejected}, bounds: ledger.Bounds{Found: 5, Looked: 9000}, want: []string{"ops-800", "ops-400", "ops-0"}, looked: 1200},
		"until it has seen enough": {query: ledger.Query{States: rejected}, bounds: ledger.Bounds{Found: 5, Looked: 700}, want: []string{"ops-800"}, looked: 700, more: true},
		"of a time":                {query: ledger.Query{Since: start.Add(1198 * time.Second)}, bounds: ledger.Bounds{Found: 5, Looked: 700}, want: []string{"ops-1199", "ops-1198"}, looked: 2},
		"before a time":            {query: ledger.Query{Until: start.Add(time.Second)}, bounds: ledger.Bounds{Found: 5, Looked: 700}, want: []string{"ops-1", "ops-0"}, looked: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := l.Newest(t.Context(), tc.query, tc.bounds)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, record := range found.Records {
				got = append(got, record.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if found.Looked != tc.looked || found.More != tc.more {
				t.Errorf("looked at %d, more %v; want %d, %v", found.Looked, found.More, tc.looked, tc.more)
			}
		})
	}
}

func TestTheNewestDeadLetterComesFirst(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	plant(t, rdb, "ops-1", time.Now(), "state", "rejected")
	old := redis.Z{Score: float64(time.Now().Add(-2 * time.Hour).UnixMilli()), Member: "ops-0"}
	if err := rdb.ZAdd(t.Context(), keys.Dead("ops"), redis.Z{Score: float64(time.Now().UnixMilli()), Member: "ops-1"}, old).Err(); err != nil {
		t.Fatal(err)
	}
	found, err := l.Places(t.Context(), ledger.Dead, ledger.Query{}, ledger.Place{}, 1)
	if err != nil || len(found) != 1 || found[0].ID != "ops-1" {
		t.Errorf("%+v, %v", found, err)
	}
}
