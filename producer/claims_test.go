package producer_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// withAgent is a text whose agentid was not left out.
func withAgent(request message.SendTextRequest) message.SendTextRequest {
	request.AgentID = "1000002"
	return request
}

// checked is a text with WeCom's duplicate check.
func checked(to, content string) message.SendTextRequest {
	request := text(to, content)
	request.EnableDuplicateCheck, request.DuplicateCheckInterval = 1, 600
	return request
}

func send(t *testing.T, rdb redis.UniversalClient, request message.Request, o producer.Options) producer.Receipt {
	t.Helper()
	receipt, err := newProducer(t, rdb).Send(t.Context(), request, o) // a producer each, as of many processes
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// waiting are the ids in all queues of the app.
func waiting(ctx context.Context, rdb redis.UniversalClient) []string {
	var ids []string
	for _, p := range tasks.Priorities() {
		ids = append(ids, rdb.LRange(ctx, "asynq:{"+tasks.Queue("ops", p)+"}:pending", 0, -1).Val()...)
	}
	return ids
}

// settle ends a message that waits: it has a record, and asynq has forgotten it.
func settle(t *testing.T, rdb redis.UniversalClient, r producer.Receipt, state tasks.State) {
	t.Helper()
	settlePart(t, rdb, r, 1, state)
}

func settlePart(t *testing.T, rdb redis.UniversalClient, r producer.Receipt, part int, state tasks.State) {
	t.Helper()
	_, p := stored(t, rdb, r, part)
	if _, err := ledger.New(rdb, "ops", time.Hour).Settle(t.Context(), p, tasks.Settlement{State: state}); err != nil {
		t.Fatal(err)
	}
	if err := asynq.NewInspectorFromRedisClient(rdb).DeleteTask(r.Queue, p.ID); err != nil {
		t.Fatal(err)
	}
}

func TestARepeatFindsTheFirstMessage(t *testing.T) {
	t.Parallel()
	key := producer.Options{IdempotencyKey: "order-1"}
	other := producer.Options{IdempotencyKey: "order-2"}
	urgent := producer.Options{IdempotencyKey: "order-1", Priority: tasks.Critical}
	anything := producer.Options{IdempotencyKey: "order-1", KeyTakesAny: true}
	builds := producer.Options{IdempotencyKey: "order-1", KeyOwner: "builds"}
	backup := producer.Options{IdempotencyKey: "order-1", KeyOwner: "backup"}
	for name, tc := range map[string]struct {
		first, repeat         message.Request
		firstOptions, options producer.Options
		ends                  tasks.State // of the first, None while it waits
		duplicate             bool
		state                 tasks.State
	}{
		"by its key, whatever it says, if asked": {first: text("a", "x"), repeat: text("b", "y"), firstOptions: anything, options: anything, duplicate: true, state: tasks.Queued},
		"by its key, in another order":           {first: text("a|b", "x"), repeat: text("B|a|b", "x"), firstOptions: key, options: key, duplicate: true, state: tasks.Queued},
		"by its key, with its agentid":           {first: text("a", "x"), repeat: withAgent(text("a", "x")), firstOptions: key, options: key, duplicate: true, state: tasks.Queued},
		"by its owner's key":                     {first: text("a", "x"), repeat: text("a", "x"), firstOptions: builds, options: builds, duplicate: true, state: tasks.Queued},
		"not by another owner's key":             {first: text("a", "x"), repeat: text("a", "x"), firstOptions: builds, options: backup, state: tasks.Queued},
		"not by a key of the app's":              {first: text("a", "x"), repeat: text("a", "x"), firstOptions: key, options: builds, state: tasks.Queued},
		"by its key, whatever its priority":      {first: text("a", "x"), repeat: text("a", "x"), firstOptions: key, options: urgent, duplicate: true, state: tasks.Queued},
		"by its key, after it was sent":          {first: text("a", "x"), repeat: text("a", "x"), firstOptions: key, options: key, ends: tasks.Accepted, duplicate: true, state: tasks.Accepted},
		"by its key, though it was rejected":     {first: text("a", "x"), repeat: text("a", "x"), firstOptions: key, options: key, ends: tasks.Rejected, duplicate: true, state: tasks.Rejected},
		"not by another key":                     {first: text("a", "x"), repeat: text("a", "x"), firstOptions: key, options: other, state: tasks.Queued},
		"by its bytes":                           {first: checked("a", "x"), repeat: checked("a", "x"), duplicate: true, state: tasks.Queued},
		"by its bytes, whatever its priority":    {first: checked("a", "x"), repeat: checked("a", "x"), options: producer.Options{Priority: tasks.Bulk}, duplicate: true, state: tasks.Queued},
		"by its bytes, after it was sent":        {first: checked("a", "x"), repeat: checked("a", "x"), ends: tasks.Accepted, duplicate: true, state: tasks.Accepted},
		"by its bytes, where nobody knows":       {first: checked("a", "x"), repeat: checked("a", "x"), ends: tasks.Unknown, duplicate: true, state: tasks.Unknown},
		"not when the first was rejected":        {first: checked("a", "x"), repeat: checked("a", "x"), ends: tasks.Rejected, state: tasks.Queued},
		"not when the first was cancelled":       {first: checked("a", "x"), repeat: checked("a", "x"), ends: tasks.Cancelled, state: tasks.Queued},
		"not with other recipients":              {first: checked("a", "x"), repeat: checked("a|b", "x"), state: tasks.Queued},
		"not with another text":                  {first: checked("a", "x"), repeat: checked("a", "y"), state: tasks.Queued},
		"not without duplicate check":            {first: text("a", "x"), repeat: text("a", "x"), state: tasks.Queued},
		"by its bytes, though it has a key":      {first: checked("a", "x"), repeat: checked("a", "x"), options: key, duplicate: true, state: tasks.Queued},
		"by its bytes, though both have a key": {
			first: checked("a", "x"), repeat: checked("a", "x"), firstOptions: other,
			options: key, ends: tasks.Accepted, duplicate: true, state: tasks.Accepted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			first := send(t, rdb, tc.first, tc.firstOptions)
			if first.Duplicate {
				t.Errorf("the first is a duplicate: %+v", first)
			}
			if tc.ends != tasks.None {
				settle(t, rdb, first, tc.ends)
			}
			want := len(waiting(t.Context(), rdb))
			got := send(t, rdb, tc.repeat, tc.options)
			if got.Duplicate != tc.duplicate || got.State != tc.state || (got.ID == first.ID) != tc.duplicate {
				t.Errorf("receipt %+v, want duplicate %t of %s, %s", got, tc.duplicate, first.ID, tc.state)
			}
			if tc.duplicate && got.Queue != first.Queue {
				t.Errorf("the repeat is in %s, want %s", got.Queue, first.Queue)
			}
			if !tc.duplicate {
				want++
			}
			if got := waiting(t.Context(), rdb); len(got) != want {
				t.Errorf("%v wait, want %d", got, want)
			}
		})
	}
}

func TestAKeyIsFreeAgainOnceTheRecordHasEnded(t *testing.T) {
	t.Parallel()
	key := producer.Options{IdempotencyKey: "order-1"}
	for name, tc := range map[string]struct {
		end       func(*testing.T, redis.UniversalClient, producer.Receipt) // of the first message's task
		duplicate bool
	}{
		"though the dashboard still shows the first as completed": {complete, false},
		"though the dashboard still shows the first as a dead letter": {func(t *testing.T, rdb redis.UniversalClient, r producer.Receipt) {
			t.Helper()
			if err := asynq.NewInspectorFromRedisClient(rdb).ArchiveTask(r.Queue, r.ID); err != nil {
				t.Fatal(err)
			}
		}, false},
		"but not while the first waits": {func(*testing.T, redis.UniversalClient, producer.Receipt) {}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			first := send(t, rdb, text("a", "x"), key)
			tc.end(t, rdb, first)
			if n := rdb.Del(t.Context(), keys.IdempotencyKey("ops", first.ID)).Val(); n != 1 { // it expires
				t.Fatal("there was no claim")
			}
			got := send(t, rdb, text("a", "x"), key)
			if got.ID != first.ID || got.Duplicate != tc.duplicate || got.State != tasks.Queued {
				t.Errorf("receipt %+v, want it queued, duplicate %t", got, tc.duplicate)
			}
			if got := waiting(t.Context(), rdb); !slices.Equal(got, []string{first.ID}) {
				t.Errorf("%v wait, want %s once", got, first.ID)
			}
		})
	}
}

// complete ends a task as a worker does.
func complete(t *testing.T, rdb redis.UniversalClient, r producer.Receipt) {
	t.Helper()
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Queues: map[string]int{r.Queue: 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	waittest.Until(t, "the task is completed", func() bool {
		info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo(r.Queue, r.ID)
		return err == nil && info.State == asynq.TaskStateCompleted
	})
}

func TestAKeyOfAMessageFoundByItsBytesLeadsThere(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	first := send(t, rdb, checked("a", "x"), producer.Options{})
	settle(t, rdb, first, tasks.Accepted)
	key := producer.Options{IdempotencyKey: "order-1"}
	send(t, rdb, checked("a", "x"), key)
	if id, err := ledger.New(rdb, "ops", time.Hour).IDOfKey(t.Context(), "", "order-1"); err != nil || id != first.ID {
		t.Errorf("the key leads to %s, %v; want %s", id, err, first.ID)
	}
	forgetLocks(t, rdb) // the interval is over, the key is not
	if got := send(t, rdb, checked("a", "x"), key); !got.Duplicate || got.ID != first.ID || got.State != tasks.Accepted {
		t.Errorf("receipt %+v, want a duplicate of %s", got, first.ID)
	}
	if got := send(t, rdb, checked("a", "x"), producer.Options{}); got.Duplicate {
		t.Errorf("after the interval: receipt %+v, want a new message", got)
	}
}

// forgetLocks lets all duplicate-check intervals end.
func forgetLocks(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	for _, key := range redistest.Keys(t, rdb, keys.Same("ops", "*")) {
		if err := rdb.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHowLongClaimsLive(t *testing.T) {
	t.Parallel()
	checkClaims(t, 48*time.Hour, 49*time.Hour, 70*time.Minute)
	checkClaims(t, 5*time.Minute, 65*time.Minute, 65*time.Minute) // records end before the interval does
}

// checkClaims looks at the claims of a message that is due in an hour, with an interval of
// 10 minutes.
func checkClaims(t *testing.T, records, byKey, byBytes time.Duration) {
	t.Helper()
	rdb := redistest.New(t)
	p, err := producer.New(rdb, producer.Config{App: "ops", RecordTTL: records})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context(), checked("a", "x"), producer.Options{IdempotencyKey: "k", Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]time.Duration{
		keys.IdempotencyKey("ops", "*"): byKey, keys.Same("ops", "*"): byBytes,
	} {
		found := redistest.Keys(t, rdb, pattern)
		if len(found) != 1 {
			t.Fatalf("%s: keys %v, want one", pattern, found)
		}
		if ttl := rdb.PTTL(t.Context(), found[0]).Val(); ttl > want+time.Second || ttl < want-time.Minute {
			t.Errorf("%s ends in %s, want %s: from when the message is due", found[0], ttl, want)
		}
	}
}

func TestARepeatAtAnotherTime(t *testing.T) {
	t.Parallel()
	key := "order-1"
	for name, tc := range map[string]struct {
		key           string
		first, repeat time.Duration // until they are to be sent; the interval is 10 minutes
		duplicate     bool
		state         tasks.State
	}{
		"now, of one for tomorrow, is a new message":              {first: 24 * time.Hour, state: tasks.Queued},
		"for later, of one that goes now, is a new message":       {repeat: 2 * time.Hour, state: tasks.Scheduled},
		"at the end of the interval is a new message":             {first: time.Hour, repeat: time.Hour + 601*time.Second, state: tasks.Scheduled},
		"within the interval after one that waits is found":       {first: 2 * time.Hour, repeat: 2*time.Hour + 9*time.Minute, duplicate: true, state: tasks.Scheduled},
		"within the interval before one that waits is found":      {first: 2 * time.Hour, repeat: 2*time.Hour - 9*time.Minute, duplicate: true, state: tasks.Scheduled},
		"now, of one within the interval, says that it waits":     {first: 9 * time.Minute, duplicate: true, state: tasks.Scheduled},
		"within the interval, of one that goes now, says so":      {repeat: 9 * time.Minute, duplicate: true, state: tasks.Queued},
		"now, by the key of one for tomorrow, says that it waits": {key: key, first: 24 * time.Hour, duplicate: true, state: tasks.Scheduled},
		"for tomorrow, by the key of one that goes now, says so":  {key: key, repeat: 24 * time.Hour, duplicate: true, state: tasks.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			first := send(t, rdb, checked("a", "x"), producer.Options{Delay: tc.first, IdempotencyKey: tc.key})
			o := producer.Options{Delay: tc.repeat, IdempotencyKey: tc.key}
			got := send(t, rdb, checked("a", "x"), o)
			if got.Duplicate != tc.duplicate || (got.ID == first.ID) != tc.duplicate || got.State != tc.state {
				t.Errorf("receipt %+v, want duplicate %t of %s, %s", got, tc.duplicate, first.ID, tc.state)
			}
			if again := send(t, rdb, checked("a", "x"), o); again.ID != got.ID || !again.Duplicate || again.State != tc.state {
				t.Errorf("receipt %+v, want a duplicate of %s", again, got.ID)
			}
		})
	}
}

func TestAClaimOfAnOlderVersionIsFollowed(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]producer.Options{"by key": {IdempotencyKey: "k"}, "by bytes": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			first := send(t, rdb, checked("a", "x"), o)
			age := func() {
				for _, pattern := range []string{keys.IdempotencyKey("ops", "*"), keys.Same("ops", "*")} {
					for _, key := range redistest.Keys(t, rdb, pattern) {
						rdb.SetArgs(t.Context(), key, first.ID+" default 0", redis.SetArgs{KeepTTL: true})
					}
				}
			}
			age()
			if got := send(t, rdb, checked("a", "x"), o); !got.Duplicate || got.ID != first.ID || got.State != tasks.Queued {
				t.Errorf("receipt %+v, want a duplicate of %s", got, first.ID)
			}
			age()
			settle(t, rdb, first, tasks.Cancelled)
			if got := send(t, rdb, checked("a", "x"), o); got.Duplicate != (o.IdempotencyKey != "") {
				t.Errorf("receipt %+v: only a key leads to a message that was cancelled", got)
			}
		})
	}
}

func TestOfManyProcessesOneEnqueues(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]producer.Options{"by key": {IdempotencyKey: "k"}, "by bytes": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			var fresh atomic.Int32
			var wg sync.WaitGroup
			for i := range 30 {
				wg.Go(func() {
					o := o
					o.Priority = tasks.Priorities()[i%3]
					if receipt, err := newProducer(t, rdb).Send(t.Context(), checked("a", "x"), o); err != nil {
						t.Error(err)
					} else if !receipt.Duplicate {
						fresh.Add(1)
					}
				})
			}
			wg.Wait()
			if got := waiting(t.Context(), rdb); fresh.Load() != 1 || len(got) != 1 {
				t.Errorf("%d of 30 are new, %v wait; want one", fresh.Load(), got)
			}
		})
	}
}

func TestAClaimWithoutItsMessageSwallowsNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]producer.Options{"by key": {IdempotencyKey: "k"}, "by bytes": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			request := checked(strings.Join(numbers(2500), "|"), "x")
			first := send(t, rdb, request, o)
			// Whoever sent it died after the first of three parts.
			for _, part := range []int{2, 3} {
				if err := asynq.NewInspectorFromRedisClient(rdb).DeleteTask(first.Queue, tasks.PartID(first.ID, part)); err != nil {
					t.Fatal(err)
				}
			}
			o.Priority = tasks.Critical
			repeat := send(t, rdb, request, o)
			if repeat.ID != first.ID || repeat.Queue != first.Queue || repeat.Parts != 3 {
				t.Errorf("receipt %+v, want %s completed in %s", repeat, first.ID, first.Queue)
			}
			if again := send(t, rdb, request, o); !again.Duplicate {
				t.Errorf("receipt %+v, want a duplicate", again)
			}
			if got := waiting(t.Context(), rdb); len(got) != 3 {
				t.Errorf("%v wait, want three parts", got)
			}
		})
	}
}

func TestARepeatCompletesAMessageThatWasAttemptedInPart(t *testing.T) {
	t.Parallel()
	key := producer.Options{IdempotencyKey: "k"}
	for name, tc := range map[string]struct {
		options   producer.Options
		state     tasks.State // of the first part
		died      []int       // parts that never came into the queue
		completed []int       // by the repeat
		merged    tasks.State
	}{
		"by key, two parts are missing":      {options: key, state: tasks.Accepted, died: []int{2, 3}, completed: []int{2, 3}, merged: tasks.Queued},
		"by bytes, two parts are missing":    {state: tasks.Accepted, died: []int{2, 3}, completed: []int{2, 3}, merged: tasks.Queued},
		"by key, the last part is missing":   {options: key, state: tasks.Accepted, died: []int{3}, completed: []int{3}, merged: tasks.Queued},
		"by bytes, the last part is missing": {state: tasks.Unknown, died: []int{3}, completed: []int{3}, merged: tasks.Queued},
		"by key, the first part failed":      {options: key, state: tasks.Rejected, died: []int{2}, completed: []int{2}, merged: tasks.Queued},
		"by key, all is there":               {options: key, state: tasks.Accepted, merged: tasks.Accepted},
		"by bytes, all is there":             {state: tasks.Accepted, merged: tasks.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			request := checked(strings.Join(numbers(2500), "|"), "x")
			first := send(t, rdb, request, tc.options)
			for part := 1; part <= 3; part++ {
				if !slices.Contains(tc.died, part) {
					settlePart(t, rdb, first, part, cmp.Or(map[int]tasks.State{1: tc.state}[part], tasks.Accepted))
				} else if err := asynq.NewInspectorFromRedisClient(rdb).DeleteTask(first.Queue, tasks.PartID(first.ID, part)); err != nil {
					t.Fatal(err)
				}
			}
			tc.options.Priority = tasks.Critical
			repeat := send(t, rdb, request, tc.options)
			want := producer.Receipt{ID: first.ID, App: "ops", Queue: first.Queue, State: tc.merged, Duplicate: true, Parts: 3}
			if repeat != want {
				t.Errorf("receipt %+v, want %+v", repeat, want)
			}
			got := waiting(t.Context(), rdb)
			if len(got) != len(tc.completed) {
				t.Fatalf("%v wait, want parts %v", got, tc.completed)
			}
			for _, part := range tc.completed {
				if _, p := stored(t, rdb, first, part); p.Part != part || p.Parts != 3 || !slices.Contains(got, p.ID) {
					t.Errorf("part %d is %+v", part, p)
				}
			}
		})
	}
}

func TestRoundTripsOfABatch(t *testing.T) {
	t.Parallel()
	const size = 1000
	batch := func(change func(i int, m *producer.Message)) []producer.Message {
		messages := make([]producer.Message, size)
		for i := range messages {
			messages[i] = producer.Message{Request: text(numbers(size)[i], "x")}
			change(i, &messages[i])
		}
		return messages
	}
	keyed := func(i int, m *producer.Message) { m.Options.IdempotencyKey = "k" + numbers(size)[i] }
	locked := func(i int, m *producer.Message) { m.Request = checked(numbers(size)[i], "x") }
	for name, tc := range map[string]struct {
		change func(int, *producer.Message)
		first  int32
		repeat int32
	}{
		"plain messages: one":                   {change: func(int, *producer.Message) {}, first: 1, repeat: 1},
		"with keys: two":                        {change: keyed, first: 2, repeat: 2},
		"with duplicate check: two, then three": {change: locked, first: 2, repeat: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, x := troubled(t)
			messages := batch(tc.change)
			for _, want := range []int32{tc.first, tc.repeat} {
				x.pipelines.Store(0)
				for i, result := range p.SendBatch(t.Context(), messages) {
					if result.Err != nil {
						t.Fatalf("message %d: %v", i, result.Err)
					}
				}
				if got := x.pipelines.Load(); got != want {
					t.Errorf("%d round trips, want %d", got, want)
				}
			}
		})
	}
}

func TestTheSameMessageTwiceInABatch(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	m := producer.Message{Request: checked("a", "x")}
	results := newProducer(t, rdb).SendBatch(t.Context(), []producer.Message{m, {Request: text("b", "y")}, m})
	first, other, second := results[0].Receipt, results[1].Receipt, results[2].Receipt
	if first.Duplicate || other.Duplicate || !second.Duplicate || second.ID != first.ID || other.ID == first.ID {
		t.Errorf("receipts %+v, %+v, %+v; want the third a duplicate of the first", first, other, second)
	}
}

func TestOfManyRepeatsOfARejectedMessageOneIsSent(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	settle(t, rdb, send(t, rdb, checked("a", "x"), producer.Options{}), tasks.Rejected)
	var fresh atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if receipt, err := newProducer(t, rdb).Send(t.Context(), checked("a", "x"), producer.Options{}); err != nil {
				t.Error(err)
			} else if !receipt.Duplicate {
				fresh.Add(1)
			} else if receipt.State != tasks.Queued {
				t.Errorf("receipt %+v, want the message that took the place", receipt)
			}
		})
	}
	wg.Wait()
	if got := waiting(t.Context(), rdb); len(got) != 1 || fresh.Load() != 1 {
		t.Errorf("%v wait, %d are new; want one", got, fresh.Load())
	}
}
