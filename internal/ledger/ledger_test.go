package ledger_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

var enqueued = time.UnixMilli(1_790_000_000_123).UTC()

func payload(id string) tasks.Payload {
	return tasks.Payload{
		ID: id, App: "ops", Priority: tasks.Critical, Type: message.TypeText, EnqueuedAt: enqueued,
		Body: []byte(`{"touser":"a|b|c|d|e","toparty":"9"}`),
	}
}

// doubling is the policy of a message without duplicate check under `resend`.
var doubling = tasks.ResendPolicy{InFlight: time.Minute, Window: tasks.Forever, Resends: tasks.Unlimited, MayDouble: true}

// books are a ledger and the pacer that writes attempts into it.
type books struct {
	*ledger.Ledger
	*pacing.Pacer
}

func open(rdb redis.UniversalClient) books {
	return books{ledger.New(rdb, "ops", time.Hour), pacing.New(rdb, pacing.Config{App: "ops", RecordTTL: time.Hour})}
}

func begin(t *testing.T, l books, id string, policy tasks.ResendPolicy) tasks.Admission {
	t.Helper()
	admission, err := l.Admit(t.Context(), tasks.AdmissionRequest{Payload: payload(id), Policy: policy, Users: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	return admission
}

// settler is a ledger, or books.
type settler interface {
	Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error)
}

func settle(t *testing.T, l settler, id string, s tasks.Settlement) tasks.Record {
	t.Helper()
	record, err := l.Settle(t.Context(), payload(id), s)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestARecordComesBackAsItWasSettled(t *testing.T) {
	t.Parallel()
	l := open(redistest.New(t))
	if a := begin(t, l, "ops-1", doubling); a.Verdict != tasks.Go || a.Number != 1 {
		t.Fatalf("attempt %+v, want the first", a)
	}
	settled := settle(t, l, "ops-1", tasks.Settlement{
		State: tasks.Partial, MsgID: "m1", ResponseCode: "r1", ErrMsg: "two of them were refused",
		Recipients: tasks.Recipients{Accepted: 2, Invalid: []string{"a", "b"}, Unlicensed: []string{"c"}, InvalidParties: []string{"9"}},
	})
	want := tasks.Record{
		ID: "ops-1", App: "ops", Type: message.TypeText, Priority: tasks.Critical, State: tasks.Partial, Attempts: 1,
		MsgID: "m1", ResponseCode: "r1", ErrMsg: "two of them were refused", EnqueuedAt: enqueued,
		Recipients: tasks.Recipients{
			Accepted: 2, Invalid: []string{"a", "b"}, Unlicensed: []string{"c"}, InvalidParties: []string{"9"}, InvalidTags: []string{},
		},
		To: message.Recipients{Users: []string{"a", "b", "c", "d", "e"}, Parties: []string{"9"}, Tags: []string{}},
	}
	ignore := cmpopts.IgnoreFields(tasks.Record{}, "FinishedAt")
	if diff := cmp.Diff(want, settled, ignore); diff != "" {
		t.Errorf("settled record (-want +got):\n%s", diff)
	}
	if age := time.Since(settled.FinishedAt); age < -time.Second || age > time.Minute {
		t.Errorf("finished_at is %s ago", age)
	}
	read, err := l.Record(t.Context(), "ops-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(settled, read); diff != "" {
		t.Errorf("the record that is read differs (-settled +read):\n%s", diff)
	}
	if id, err := l.ID(t.Context(), "m1"); err != nil || id != "ops-1" {
		t.Errorf("msgid m1 leads to %q, %v; want ops-1", id, err)
	}
}

func TestWhatAnAttemptMeets(t *testing.T) {
	t.Parallel()
	unanswered := tasks.Settlement{State: tasks.Queued, OutcomeUnknown: true}
	refused := tasks.Settlement{State: tasks.Queued, ErrCode: -1}
	dead := func(t *testing.T, rdb redis.UniversalClient) { // the attempt began two minutes ago
		t.Helper()
		began := time.Now().Add(-2 * time.Minute).UnixMilli()
		if err := rdb.HSet(t.Context(), keys.Record("ops", "ops-1"), "state", "sending", "attempts", 1, "attempt_at", began).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		before  func(t *testing.T, rdb redis.UniversalClient, l books)
		policy  tasks.ResendPolicy
		verdict tasks.Verdict
		marked  bool
	}{
		"a message that was refused goes": {
			before: func(t *testing.T, _ redis.UniversalClient, l books) {
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", refused)
			},
			policy: tasks.ResendPolicy{InFlight: time.Minute}, verdict: tasks.Go,
		},
		"a message without an answer goes again and is marked": {
			before: func(t *testing.T, _ redis.UniversalClient, l books) {
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", unanswered)
			},
			policy: doubling, verdict: tasks.Go, marked: true,
		},
		"a message without an answer is parked where the policy says so": {
			before: func(t *testing.T, _ redis.UniversalClient, l books) {
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", unanswered)
			},
			policy: tasks.ResendPolicy{InFlight: time.Minute}, verdict: tasks.Park,
		},
		"within the duplicate-check interval it goes again, unmarked": {
			before: func(t *testing.T, _ redis.UniversalClient, l books) {
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", unanswered)
			},
			policy: tasks.ResendPolicy{InFlight: time.Minute, Window: 30 * time.Minute, Resends: tasks.Unlimited}, verdict: tasks.Go,
		},
		"after the duplicate-check interval it is parked": {
			before: func(t *testing.T, rdb redis.UniversalClient, _ books) { dead(t, rdb) },
			policy: tasks.ResendPolicy{InFlight: time.Minute, Window: 90 * time.Second, Resends: tasks.Unlimited}, verdict: tasks.Park,
		},
		"a later refusal does not clear up an earlier unknown outcome": {
			before: func(t *testing.T, _ redis.UniversalClient, l books) {
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", unanswered)
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", refused)
			},
			policy: tasks.ResendPolicy{InFlight: time.Minute}, verdict: tasks.Park, marked: true,
		},
		"the attempt of a dead worker has an unknown outcome": {
			before: func(t *testing.T, rdb redis.UniversalClient, _ books) { dead(t, rdb) },
			policy: doubling, verdict: tasks.Go, marked: true,
		},
		"the attempt of a dead worker is parked where the policy says so": {
			before: func(t *testing.T, rdb redis.UniversalClient, _ books) { dead(t, rdb) },
			policy: tasks.ResendPolicy{InFlight: time.Minute}, verdict: tasks.Park,
		},
		"an attempt under way makes the second worker wait": {
			before: func(t *testing.T, _ redis.UniversalClient, l books) { begin(t, l, "ops-1", doubling) },
			policy: doubling, verdict: tasks.Busy,
		},
		"a finished message needs no call": {
			before: func(t *testing.T, _ redis.UniversalClient, l books) {
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", tasks.Settlement{State: tasks.Accepted, MsgID: "m1"})
			},
			policy: doubling, verdict: tasks.Final,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			l := open(rdb)
			tc.before(t, rdb, l)
			if a := begin(t, l, "ops-1", tc.policy); a.Verdict != tc.verdict {
				t.Errorf("verdict %+v, want %s", a, tc.verdict)
			}
			record, err := l.Record(t.Context(), "ops-1")
			if err != nil || record.PossibleDuplicate != tc.marked {
				t.Errorf("possible_duplicate is %t, error %v; want %t", record.PossibleDuplicate, err, tc.marked)
			}
		})
	}
}

func TestTheDeadline(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before  []tasks.Settlement
		in      time.Duration
		verdict tasks.Verdict
	}{
		"a message before its deadline goes":       {in: time.Minute, verdict: tasks.Go},
		"a message after its deadline has expired": {in: -time.Millisecond, verdict: tasks.TooLate},
		"also when it was refused before":          {before: []tasks.Settlement{{State: tasks.Queued, ErrCode: -1}}, in: -time.Millisecond, verdict: tasks.TooLate},
		"but not when WeCom may have it":           {before: []tasks.Settlement{{State: tasks.Queued, OutcomeUnknown: true}}, in: -time.Millisecond, verdict: tasks.Park},
		"and what is finished stays so":            {before: []tasks.Settlement{{State: tasks.Accepted}}, in: -time.Millisecond, verdict: tasks.Final},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(redistest.New(t))
			for _, s := range tc.before {
				begin(t, l, "ops-1", doubling)
				settle(t, l, "ops-1", s)
			}
			p := payload("ops-1")
			p.ExpiresAt = time.Now().Add(tc.in)
			a, err := l.Admit(t.Context(), tasks.AdmissionRequest{Payload: p, Policy: doubling})
			if err != nil || a.Verdict != tc.verdict {
				t.Errorf("verdict %+v, error %v; want %s", a, err, tc.verdict)
			}
		})
	}
}

func TestOnlyAnAcceptanceOverrulesAFinalState(t *testing.T) {
	t.Parallel()
	l := open(redistest.New(t))
	begin(t, l, "ops-1", doubling)
	for _, step := range []struct {
		settle tasks.State
		want   tasks.State
	}{
		{settle: tasks.Unknown, want: tasks.Unknown},
		{settle: tasks.Queued, want: tasks.Unknown},
		{settle: tasks.Rejected, want: tasks.Unknown},
		{settle: tasks.Accepted, want: tasks.Accepted}, // the answer came late
		{settle: tasks.Rejected, want: tasks.Accepted},
	} {
		if got := settle(t, l, "ops-1", tasks.Settlement{State: step.settle}); got.State != step.want {
			t.Errorf("settled %s, the record says %s, want %s", step.settle, got.State, step.want)
		}
	}
}

func TestOfManyWorkersOneMayCall(t *testing.T) {
	t.Parallel()
	l := open(redistest.New(t))
	verdicts := make(chan tasks.Verdict, 20)
	var wg sync.WaitGroup
	for range cap(verdicts) {
		wg.Go(func() {
			a, err := l.Admit(t.Context(), tasks.AdmissionRequest{Payload: payload("ops-1"), Policy: doubling})
			if err != nil {
				t.Error(err)
			}
			verdicts <- a.Verdict
		})
	}
	wg.Wait()
	close(verdicts)
	count := map[tasks.Verdict]int{}
	for v := range verdicts {
		count[v]++
	}
	if diff := cmp.Diff(map[tasks.Verdict]int{tasks.Go: 1, tasks.Busy: 19}, count); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestRecordsEndOnceTheirTasksAreGone(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := open(rdb)
	begin(t, l, "ops-1", doubling)
	gone := func() {
		t.Helper()
		if err := l.TasksGone(t.Context(), "ops-1"); err != nil {
			t.Fatal(err)
		}
	}
	waits := func(when string) {
		t.Helper()
		if ttl := rdb.PTTL(t.Context(), keys.Record("ops", "ops-1")).Val(); ttl < 89*24*time.Hour {
			t.Errorf("%s the record ends in %s, want it to outlive its task", when, ttl)
		}
	}
	gone() // it has no final state yet, whatever deleted its task
	waits("while the attempt is under way")
	settle(t, l, "ops-1", tasks.Settlement{State: tasks.Accepted, MsgID: "m1"})
	waits("before the task is acknowledged")
	gone()
	for _, key := range []string{keys.Record("ops", "ops-1"), keys.MsgID("ops", "m1")} {
		if ttl := rdb.PTTL(t.Context(), key).Val(); ttl <= 59*time.Minute || ttl > time.Hour {
			t.Errorf("%s ends in %s, want an hour", key, ttl)
		}
	}
}

func TestMsgIDsOfOlderRecordsAreFound(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := open(rdb)
	if err := rdb.Set(t.Context(), keys.UnhashedMsgID("ops", "m1"), "ops-1", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	if id, err := l.ID(t.Context(), "m1"); id != "ops-1" || err != nil {
		t.Errorf("id %q, error %v, want ops-1", id, err)
	}
}

func TestNoRecord(t *testing.T) {
	t.Parallel()
	l := open(redistest.New(t))
	if _, err := l.Record(t.Context(), "ops-none"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	if _, err := l.ID(t.Context(), "none"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

// BenchmarkAttempt records an attempt and its outcome.
func BenchmarkAttempt(b *testing.B) {
	rdb := redistest.New(b)
	l := ledger.New(rdb, "ops", time.Hour)
	unlimited := tasks.Limits{CallsPerMinute: 1 << 40, MemberPerMinute: 30, MemberPerHour: 1000}
	pacer := pacing.New(rdb, pacing.Config{App: "ops", RecordTTL: time.Hour, Limits: unlimited})
	p := payload("")
	for b.Loop() {
		p.ID = tasks.NewID("ops")
		if _, err := pacer.Admit(b.Context(), tasks.AdmissionRequest{Payload: p, Policy: doubling}); err != nil {
			b.Fatal(err)
		}
		if _, err := l.Settle(b.Context(), p, tasks.Settlement{State: tasks.Accepted, MsgID: p.ID}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecords reads records as an export does.
func BenchmarkRecords(b *testing.B) {
	const all = 2000
	l := ledger.New(redistest.New(b), "ops", time.Hour)
	p := payload("")
	for range all {
		p.ID = tasks.NewID("ops")
		if _, err := l.Settle(b.Context(), p, tasks.Settlement{State: tasks.Accepted}); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for b.Loop() {
		for _, err := range l.Records(b.Context(), ledger.Query{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
