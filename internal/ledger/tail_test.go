package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
)

// tail collects the first n ids that Tail yields. While it waits for each, more messages end, one by one.
func tail(t *testing.T, l *ledger.Ledger, q ledger.Query, n int, more ...tasks.Settlement) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waittest.Patience)
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

// A slow reader reads the entry of an earlier end of a message that has ended again.
func TestTailTellsOfAMessageThatEndedTwiceInItsTurn(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	settle(t, l, "ops-first", tasks.Settlement{State: tasks.Accepted})
	var got []string
	for record, err := range l.Tail(ctx, ledger.Query{Since: time.Now().Add(-time.Minute)}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, record.ID)
		if len(got) == 1 { // it is away, while ops-twice ends, ops-between does, and ops-twice does again
			now := rdb.Time(t.Context()).Val()
			for _, entry := range []struct {
				id  string
				ago time.Duration
			}{{"ops-twice", 0}, {"ops-between", 0}, {"ops-twice", -time.Hour}} {
				at := now.Add(-entry.ago).UnixMilli()
				rdb.HSet(t.Context(), keys.Record("ops", entry.id), "state", "accepted", "finished_at", at)
				rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Results("ops"), ID: strconv.FormatInt(at, 10) + "-*", Values: []any{"id", entry.id}})
			}
		}
		if len(got) == 3 {
			break
		}
	}
	if diff := cmp.Diff([]string{"ops-first", "ops-between", "ops-twice"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
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

// begun settles messages until one is yielded, because nothing shows when a wait begins.
func begun(t *testing.T, l *ledger.Ledger) (told func()) {
	t.Helper()
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				if _, err := l.Settle(t.Context(), payload(fmt.Sprintf("begin-%d", i)), tasks.Settlement{State: tasks.Accepted}); err != nil {
					t.Error(err)
				}
			case <-stop:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-ended
	})
}

func TestTailTellsAReaderWhoLagsOfAll(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), waittest.Patience)
	defer cancel()
	rdb := redistest.New(t)
	l := ledger.New(rdb, "ops", time.Hour)
	var want, got []string
	lag := func(n int) { // the stream keeps the last two of n that end
		for range n {
			want = append(want, fmt.Sprintf("ops-%04d", len(want)))
			settle(t, l, want[len(want)-1], tasks.Settlement{State: tasks.Accepted})
		}
		if err := rdb.XTrimMaxLen(t.Context(), keys.Results("ops"), 2).Err(); err != nil {
			t.Fatal(err)
		}
	}
	told := begun(t, l)
	defer told()
	for record, err := range l.Tail(ctx, ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(record.ID, "ops-") {
			got = append(got, record.ID)
		}
		switch {
		case len(want) == 0:
			told()
			lag(5)
		case len(got) == 5 && len(want) == 5:
			lag(700)
		case len(got) == 705 && len(want) == 705:
			lag(1)
		case len(got) == 706:
			cancel()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what ended (-want +got):\n%s", diff)
	}
}

func TestTailTellsNothingTwiceAfterALongPast(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), waittest.Patience)
	defer cancel()
	l := ledger.New(redistest.New(t), "ops", time.Hour)
	end := func(id string) { settle(t, l, id, tasks.Settlement{State: tasks.Accepted}) }
	want := []string{"ops-past", "ops-long", "ops-after", "ops-last"}
	end(want[0])
	var got []string
	for record, err := range l.Tail(ctx, ledger.Query{Since: time.Now().Add(-time.Minute)}) {
		if err != nil {
			t.Fatal(err)
		}
		switch got = append(got, record.ID); len(got) {
		case 1: // messages end during the read of the past, further apart than tailOverlap
			end(want[1])
			<-time.After(1600 * time.Millisecond)
			end(want[2])
		case 3:
			end(want[3])
		case 4:
			cancel()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what ended (-want +got):\n%s", diff)
	}
}

func TestTailGoesOnAfterAnOutage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), waittest.Patience)
	defer cancel()
	server := redistest.Start(t, redistest.AppendOnly)
	l := ledger.New(server.Client(), "ops", time.Hour)
	end := func(id string) { settle(t, l, id, tasks.Settlement{State: tasks.Accepted}) }
	end("ops-0")
	var got []string
	failures := 0
	for record, err := range l.Tail(ctx, ledger.Query{Since: time.Now().Add(-time.Minute)}) {
		if err != nil {
			if failures++; failures == 2 {
				server.Restart()
				end("ops-2")
			}
			continue
		}
		switch got = append(got, record.ID); len(got) {
		case 1:
			end("ops-1")
		case 2:
			server.Kill()
		case 3:
			cancel()
		}
	}
	if diff := cmp.Diff([]string{"ops-0", "ops-1", "ops-2"}, got); diff != "" || failures < 2 {
		t.Errorf("after %d failures (-want +got):\n%s", failures, diff)
	}
}
