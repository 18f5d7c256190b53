package lookup_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// list reads all pages of a query, and returns its ids with their states and the number of pages.
func list(t *testing.T, d *daemontest.Deployment, q lookup.Query, apps ...string) (found []string, pages int) {
	t.Helper()
	var finders []*lookup.Finder
	for _, app := range apps {
		finders = append(finders, d.FinderOf(app))
	}
	if q.Index == "" {
		q.Index = ledger.All
	}
	found = []string{}
	for pages = 1; pages < 200; pages++ {
		page, err := lookup.List(t.Context(), finders, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Records) > q.Limit || page.Looked > q.Look {
			t.Fatalf("a page of %d, looked at %d; want %d and %d at most", len(page.Records), page.Looked, q.Limit, q.Look)
		}
		for _, r := range page.Records {
			found = append(found, r.ID+" "+string(r.State))
		}
		if page.Next == (lookup.Cursor{}) {
			return found, pages
		}
		if q.Cursor, err = lookup.ParseCursor(page.Next.String()); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the list has no end")
	return nil, 0
}

// plant writes a record into the ledger, as changed at a time.
func plant(t *testing.T, d *daemontest.Deployment, app, id string, at time.Time, fields ...any) {
	t.Helper()
	_, err := d.Redis.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		p.HSet(t.Context(), keys.Record(app, id), append([]any{"state", "accepted"}, fields...)...)
		p.ZAdd(t.Context(), keys.Records(app), redis.Z{Score: float64(at.UnixMilli()), Member: id})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAListHasTheMessagesOfAllAppsByTheirLastChange(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Apps: []string{"hr", "ops"}})
	start := time.UnixMilli(1_790_000_000_000)
	var want []string
	for i := range 300 { // two of each app in a millisecond
		for _, app := range []string{"hr", "ops"} {
			id := fmt.Sprintf("%s-%03d", app, i)
			plant(t, d, app, id, start.Add(time.Duration(i/2)*time.Millisecond))
			want = append(want, id+" accepted")
		}
	}
	slices.SortFunc(want, func(a, b string) int {
		var app, other string
		var i, j int
		_, _ = fmt.Sscanf(strings.NewReplacer("-", " ").Replace(a), "%s %d", &app, &i)
		_, _ = fmt.Sscanf(strings.NewReplacer("-", " ").Replace(b), "%s %d", &other, &j)
		if i/2 != j/2 {
			return j/2 - i/2
		}
		return strings.Compare(b, a)
	})
	for _, limit := range []int{1000, 100, 7} {
		got, _ := list(t, d, lookup.Query{Limit: limit, Look: 5000}, "ops", "hr")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestARequestLooksAtSoManyWhateverItSearches(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	start := time.UnixMilli(1_790_000_000_000)
	for i := range 500 {
		to := "somebody"
		if i == 3 {
			to = "lisi"
		}
		plant(t, d, "ops", fmt.Sprintf("ops-%03d", i), start.Add(time.Duration(i)*time.Millisecond), "to_user", to)
		if i%10 == 0 { // some entries have no record
			plant(t, d, "ops", fmt.Sprintf("ops-%03d.gone", i), start.Add(time.Duration(i)*time.Millisecond), "state", "")
		}
	}
	got, pages := list(t, d, lookup.Query{Query: ledger.Query{Recipient: "LiSi"}, Limit: 10, Look: 60}, "ops")
	if diff := cmp.Diff([]string{"ops-003 accepted"}, got); diff != "" || pages < 9 {
		t.Errorf("%d pages (-want +got):\n%s", pages, diff)
	}
}

func TestAListBeginsWithMessagesThatWereNotTried(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Apps: []string{"hr", "ops"}})
	send := func(app, to string, o producer.Options) string { return d.Send(app, daemontest.Text(to, "x"), o).ID }
	later := send("ops", "lisi", producer.Options{Delay: time.Hour})
	waits := send("ops", "zhangsan", producer.Options{Priority: tasks.Bulk})
	held := send("hr", "lisi", producer.Options{})
	sent := send("ops", "lisi", producer.Options{})
	settle(t, d, sent, 0, tasks.Settlement{State: tasks.Queued, ErrMsg: "busy"})
	if err := asynqx.Pause(t.Context(), d.Redis, tasks.Queue("hr", tasks.Default)); err != nil {
		t.Fatal(err)
	}
	all := []string{held + " held", later + " scheduled", waits + " queued", sent + " queued"}
	for name, tc := range map[string]struct {
		query ledger.Query
		want  []string
	}{
		"all":            {ledger.Query{}, all},
		"of a state":     {ledger.Query{States: []tasks.State{tasks.Queued}}, all[2:]},
		"of those held":  {ledger.Query{States: []tasks.State{tasks.Held}}, all[:1]},
		"to somebody":    {ledger.Query{Recipient: "zhangsan"}, all[2:3]},
		"without errors": {ledger.Query{ErrCode: new(int64)}, all},
		"of an ending":   {ledger.Query{States: []tasks.State{tasks.Rejected}}, []string{}},
		"since then":     {ledger.Query{Since: time.Now().Add(time.Hour)}, []string{}},
	} {
		for _, limit := range []int{1, 20} {
			got, _ := list(t, d, lookup.Query{Query: tc.query, Limit: limit, Look: 100}, "hr", "ops")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s, by %d (-want +got):\n%s", name, limit, diff)
			}
		}
	}
	if got, pages := list(t, d, lookup.Query{Limit: 20, Look: 1}, "hr", "ops"); pages < 5 || len(got) != 4 {
		t.Errorf("one at a time: %d pages, %v", pages, got)
	}
}

func TestOneMessageIsFoundByItsMsgIDOrKey(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Apps: []string{"hr", "ops"}})
	receipt := enqueue(d, 2500, producer.Options{IdempotencyKey: "nightly", KeyOwner: "builds"})
	settle(t, d, tasks.PartID(receipt.ID, 2), 3, tasks.Settlement{State: tasks.Rejected, ErrCode: 81013, MsgID: "m2"})
	rejected, code := []tasks.State{tasks.Rejected}, int64(81013)
	found := []string{receipt.ID + " queued"}
	for name, tc := range map[string]struct {
		query lookup.Query
		want  []string
	}{
		"by msgid":            {lookup.Query{MsgID: "m2"}, found},
		"by key":              {lookup.Query{Key: "nightly", KeyOwner: "builds"}, found},
		"by both":             {lookup.Query{MsgID: "m2", Key: "nightly", KeyOwner: "builds"}, found},
		"by one and no other": {lookup.Query{MsgID: "m2", Key: "daily", KeyOwner: "builds"}, []string{}},
		"by another's key":    {lookup.Query{Key: "nightly", KeyOwner: "alerts"}, []string{}},
		"in another state":    {lookup.Query{MsgID: "m2", Query: ledger.Query{States: rejected}}, []string{}},
		"with an errcode":     {lookup.Query{MsgID: "m2", Query: ledger.Query{ErrCode: &code}}, []string{}},
		"by an unknown msgid": {lookup.Query{MsgID: "m3"}, []string{}},
	} {
		tc.query.Limit, tc.query.Look = 5, 100
		got, _ := list(t, d, tc.query, "hr", "ops")
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDeadLettersAreListed(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	lost, fine := enqueue(d, 1, producer.Options{}), enqueue(d, 1, producer.Options{})
	settle(t, d, lost.ID, 0, tasks.Settlement{State: tasks.Rejected, ErrCode: 81013})
	settle(t, d, fine.ID, 0, tasks.Settlement{State: tasks.Accepted, MsgID: "m"})
	enqueue(d, 1, producer.Options{})
	got, _ := list(t, d, lookup.Query{Index: ledger.Dead, Limit: 5, Look: 100}, "ops")
	if diff := cmp.Diff([]string{lost.ID + " rejected"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got, _ := list(t, d, lookup.Query{Limit: 5, Look: 100}); len(got) != 0 {
		t.Errorf("of no app: %v", got)
	}
}

// However many wait, each is listed once, and those with a record are not.
func TestAllThatWasNotTriedIsListed(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Apps: []string{"hr", "ops"}})
	due := time.Now().Add(time.Hour)
	var want []string
	for i := range 40 {
		id := d.Send("ops", daemontest.Text("chen.li", "hello"), producer.Options{At: due.Add(time.Duration(i) * time.Second)}).ID
		want = append(want, id+" scheduled")
	}
	slices.Reverse(want) // as everywhere, the task that is due last comes first
	queued := d.Send("ops", daemontest.Text("wang.wu", "hello"), producer.Options{}).ID
	d.Send("hr", daemontest.Text("chen.li", "hello"), producer.Options{})
	plant(t, d, "ops", "ops-1", time.Now(), "state", "queued")
	untried := func(q ledger.Query) (found []string) {
		t.Helper()
		for r, err := range d.FinderOf("ops").Untried(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, r.ID+" "+string(r.State))
		}
		return found
	}
	if diff := cmp.Diff(want, untried(ledger.Query{States: []tasks.State{tasks.Scheduled}})); diff != "" {
		t.Errorf("scheduled (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{queued + " queued"}, untried(ledger.Query{Recipient: "wang.wu"})); diff != "" {
		t.Errorf("of a recipient (-want +got):\n%s", diff)
	}
	if found := untried(ledger.Query{States: []tasks.State{tasks.Accepted}}); len(found) > 0 {
		t.Errorf("accepted: %v", found)
	}
}
