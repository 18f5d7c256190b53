package ledger_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// plant puts a record and its index entry into Redis, changed at the given moment.
func plant(t *testing.T, rdb redis.UniversalClient, id string, at time.Time, fields ...any) {
	t.Helper()
	_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		p.HSet(t.Context(), keys.Record("ops", id), append([]any{"state", "accepted"}, fields...)...)
		p.ZAdd(t.Context(), keys.Records("ops"), redis.Z{Score: float64(at.UnixMilli()), Member: id})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, l *ledger.Ledger, q ledger.Query) []string {
	t.Helper()
	found := []string{}
	for record, err := range l.Records(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, record.ID)
	}
	return found
}

func TestRecordsAreFoundByWhatIsKnownOfThem(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	start := time.UnixMilli(1_790_000_000_000)
	plant(t, rdb, "ops-1", start, "to_user", "Chen.Li|wang_wu")
	plant(t, rdb, "ops-2", start.Add(time.Second), "state", "rejected", "errcode", 81013, "to_party", "12|13", "to_tag", "7")
	plant(t, rdb, "ops-3", start.Add(2*time.Second), "state", "held", "errcode", 45009, "to_user", "@all")
	if err := rdb.ZAdd(t.Context(), keys.Records("ops"), redis.Z{Score: 1, Member: "ops-gone"}).Err(); err != nil {
		t.Fatal(err)
	}
	code := int64(81013)
	for name, tc := range map[string]struct {
		query ledger.Query
		want  []string
	}{
		"all, oldest change first":       {ledger.Query{}, []string{"ops-1", "ops-2", "ops-3"}},
		"from a moment on":               {ledger.Query{Since: start.Add(time.Second)}, []string{"ops-2", "ops-3"}},
		"until a moment":                 {ledger.Query{Until: start.Add(time.Second)}, []string{"ops-1", "ops-2"}},
		"of a state":                     {ledger.Query{States: []tasks.State{tasks.Rejected, tasks.Held}}, []string{"ops-2", "ops-3"}},
		"of an errcode":                  {ledger.Query{ErrCode: &code}, []string{"ops-2"}},
		"to a user, in whatever case":    {ledger.Query{Recipient: "chen.li"}, []string{"ops-1"}},
		"to a party":                     {ledger.Query{Recipient: "13"}, []string{"ops-2"}},
		"to a tag":                       {ledger.Query{Recipient: "7"}, []string{"ops-2"}},
		"to a part of a name is nothing": {ledger.Query{Recipient: "chen"}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, ids(t, l, tc.query)); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWalkMissesNothingThoughRecordsMove(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	start := time.UnixMilli(1_790_000_000_000)
	const all = 2300
	for i := range all { // the first 1200 in one millisecond, more than two pages
		plant(t, rdb, fmt.Sprint("ops-", i), start.Add(time.Duration(max(i-1200, 0))*time.Millisecond))
	}
	seen := map[string]int{}
	for record, err := range l.Records(t.Context(), ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[record.ID]++; seen[record.ID] == 1 && len(seen)%3 == 0 { // some move to the end
			plant(t, rdb, record.ID, start.Add(time.Hour+time.Duration(len(seen))*time.Millisecond))
		}
	}
	if len(seen) != all {
		t.Errorf("%d records were seen, want %d", len(seen), all)
	}
	for id, times := range seen {
		if times > 2 {
			t.Errorf("%s came %d times", id, times)
		}
	}
}

func TestTheIndexesForgetWhatHasEnded(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	for i := range 30 {
		old := redis.Z{Score: float64(time.Now().Add(-2 * time.Hour).UnixMilli()), Member: "ops-old" + strconv.Itoa(i)}
		for _, index := range []string{keys.Records("ops"), keys.Dead("ops")} {
			if err := rdb.ZAdd(t.Context(), index, old).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 2 {
		settle(t, l, fmt.Sprint("ops-", i), tasks.Settlement{State: tasks.Rejected})
	}
	for _, index := range []string{keys.Records("ops"), keys.Dead("ops")} {
		if diff := cmp.Diff([]string{"ops-0", "ops-1"}, rdb.ZRange(t.Context(), index, 0, -1).Val()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", index, diff)
		}
		if ttl := rdb.PTTL(t.Context(), index).Val(); ttl <= 59*time.Minute || ttl > time.Hour {
			t.Errorf("%s ends in %s, want an hour", index, ttl)
		}
	}
}

func TestTheStreamIsBounded(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for range 12_000 {
			p.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Results("ops"), Values: []any{"id", "ops-1", "state", "accepted"}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	settle(t, ledger.New(rdb, "ops", time.Hour), "ops-1", tasks.Settlement{State: tasks.Accepted})
	if n := rdb.XLen(t.Context(), keys.Results("ops")).Val(); n < 10_000 || n > 10_200 {
		t.Errorf("the stream holds %d results, want about 10000", n)
	}
}
