package wecomtest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestTooManyCallsBlockTheAPI(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{CallsPerMinute: 3, MemberPerMinute: -1, Block: wecomtest.Duration(90 * time.Second)})
	for range 3 {
		b.wantCode(b.send(text("a", "x")), 0)
	}
	b.wantCode(b.send(text("a", "x")), 45009)
	until := b.Stats().Apps[0].BlockedUntil["message/send"]
	if want := b.clock.Now().Add(90 * time.Second); !until.Equal(want) {
		t.Errorf("blocked until %s, want %s", until, want)
	}
	b.wantCode(b.post("message/recall", `{"msgid":"x"}`), 40058) // another API
	b.clock.Advance(90*time.Second - time.Nanosecond)
	b.wantCode(b.send(text("a", "x")), 45009) // and does not lengthen the block
	b.clock.Advance(time.Nanosecond)
	b.wantCode(b.send(text("a", "x")), 0)
	if n := len(b.Messages()); n != 4 {
		t.Errorf("%d messages arrived, want 4", n)
	}
}

func TestMemberLimitsDropSilently(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{MemberPerMinute: 2, MemberPerHour: 3})
	for i, tc := range []struct {
		wait        time.Duration
		to, dropped []string
	}{
		{0, []string{"a", "b"}, nil},
		{30 * time.Second, []string{"a", "b"}, nil},
		{29 * time.Second, []string{}, []string{"a", "b"}},
		{time.Second, []string{"a", "b"}, nil}, // the first is 60 s ago
		{30 * time.Second, []string{}, []string{"a", "b"}},
		{time.Hour - 90*time.Second, []string{"a", "b"}, nil}, // the first is an hour ago
	} {
		b.clock.Advance(tc.wait)
		a := b.send(text("A|b", "x"))
		b.wantCode(a, 0)
		if a.MsgID == "" || a.InvalidUser != nil {
			t.Errorf("send %d: msgid %q, invaliduser %s", i, a.MsgID, a.InvalidUser)
		}
		m := b.last()
		if diff := cmp.Diff([][]string{tc.to, tc.dropped}, [][]string{m.To, m.Dropped}); diff != "" {
			t.Errorf("send %d: delivered and dropped (-want +got):\n%s", i, diff)
		}
	}
	if got := b.Stats(); got.Delivered != 8 || got.Dropped != 4 {
		t.Errorf("%d delivered, %d dropped, want 8, 4", got.Delivered, got.Dropped)
	}
}

func TestDefaultMemberLimitIsThirtyAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for range 31 {
		b.wantCode(b.send(text("a", "x")), 0)
	}
	if got := b.Stats(); got.Delivered != 30 || got.Dropped != 1 {
		t.Errorf("%d delivered, %d dropped, want 30, 1", got.Delivered, got.Dropped)
	}
}

// Whatever the pattern of sends, a member never gets more than the limits in any
// window, and nothing is dropped that would have fitted.
func TestMemberWindowsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		perMinute := rapid.IntRange(1, 4).Draw(rt, "per minute")
		perHour := rapid.IntRange(1, 9).Draw(rt, "per hour")
		now := time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC)
		sim := quiet(rt, wecomtest.Rules{MemberPerMinute: perMinute, MemberPerHour: perHour, TokenTTL: longLived.TokenTTL})
		sim.Now = func() time.Time { return now }
		token := tokenOf(rt, sim)
		var delivered []time.Time
		count := func(span time.Duration) (n int) {
			for _, at := range delivered {
				if now.Sub(at) < span {
					n++
				}
			}
			return n
		}
		for _, seconds := range rapid.SliceOfN(rapid.IntRange(0, 900), 1, 60).Draw(rt, "gaps in seconds") {
			now = now.Add(time.Duration(seconds) * time.Second)
			fits := count(time.Minute) < perMinute && count(time.Hour) < perHour
			direct(rt, sim, "/cgi-bin/message/send?access_token="+token, text("a", "x"))
			messages := sim.Messages()
			got := len(messages[len(messages)-1].To) == 1
			if got != fits {
				rt.Fatalf("delivered %v although fits is %v, at %s after %v", got, fits, now, delivered)
			}
			if got {
				delivered = append(delivered, now)
			}
		}
	})
}

func TestDayQuotaEndsAtMidnightInChina(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Seats: 1, MemberPerMinute: -1, MemberPerHour: -1})
	hundred := strings.Repeat("u", 3) + "|" + users(99)
	b.wantCode(b.send(text(hundred, "x")), 0)
	b.wantCode(b.send(text(users(99), "x")), 0)
	b.wantCode(b.send(text("a", "x")), 0) // the 200th
	b.wantCode(b.send(text("a", "x")), 45009)
	b.wantCode(b.send(text("a", "x")), 45009)
	if used := b.Stats().Apps[0].Used; used != 200 {
		t.Errorf("%d person-times used, want 200", used)
	}
	b.clock.Advance(16*time.Hour - time.Second)
	b.token = b.login(wecomtest.CorpID, wecomtest.Secret)
	b.wantCode(b.send(text("a", "x")), 45009)
	b.clock.Advance(time.Second)
	b.wantCode(b.send(text("a", "x")), 0)
}

func TestCallsInFlightAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := quiet(t, wecomtest.Rules{Concurrency: 2, Latency: wecomtest.Duration(time.Second)})
		token := tokenOf(t, sim)
		codes := make(chan wecom.Code, 3)
		for range 3 {
			go func() {
				codes <- direct(t, sim, "/cgi-bin/message/send?access_token="+token, text("a", "x")).ErrCode
			}()
		}
		if code := <-codes; code != 45033 { // the only one that need not wait
			t.Errorf("third call: errcode %d, want 45033", code)
		}
		if a, b := <-codes, <-codes; a != 0 || b != 0 {
			t.Errorf("first calls: errcodes %d, %d, want 0, 0", a, b)
		}
		app := sim.Stats().Apps[0]
		if app.InFlight != 0 || app.MaxInFlight != 2 {
			t.Errorf("%d in flight, at most %d, want 0, 2", app.InFlight, app.MaxInFlight)
		}
	})
}

func TestLatencyAndJitterSlowEveryCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := quiet(t, wecomtest.Rules{Latency: wecomtest.Duration(time.Second), Jitter: wecomtest.Duration(time.Minute)})
		for range 20 {
			start := time.Now()
			tokenOf(t, sim)
			if took := time.Since(start); took < time.Second || took > 61*time.Second {
				t.Fatalf("gettoken took %s, want 1s to 61s", took)
			}
		}
	})
}

func TestAClientThatGivesUpIsServedAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := quiet(t, wecomtest.Rules{})
		token := tokenOf(t, sim)
		if err := sim.SetRules(wecomtest.Rules{Latency: wecomtest.Duration(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/cgi-bin/message/send?access_token="+token, strings.NewReader(text("a", "x")))
		sim.ServeHTTP(httptest.NewRecorder(), req)
		if n := len(sim.Messages()); n != 1 {
			t.Errorf("%d messages arrived, want 1", n)
		}
	})
}

func TestParallelClientsAreCountedExactly(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{MemberPerMinute: 7})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 10 {
				b.send(text("a|b", "x"))
				b.Stats()
			}
		})
	}
	messages, err := b.WaitMessages(t.Context(), 80)
	if err != nil {
		t.Fatal(err)
	}
	clients.Wait()
	got := b.Stats()
	if len(messages) != 80 || got.Delivered != 14 || got.Dropped != 146 || got.APIs["message/send"].Codes[0] != 80 {
		t.Errorf("%d messages, %d delivered, %d dropped, %v", len(messages), got.Delivered, got.Dropped, got.APIs)
	}
}
