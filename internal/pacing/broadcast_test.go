package pacing_test

import (
	"container/heap"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// broadcast returns the id of a running broadcast.
func (b *bundle) broadcast() string {
	b.Helper()
	b.ids++
	id := tasks.BroadcastIDFromKey(b.app, strconv.Itoa(b.ids))
	if err := b.rdb.HSet(b.Context(), keys.Broadcast(b.app, id), "state", "running").Err(); err != nil {
		b.Fatal(err)
	}
	return id
}

// call is a call of a broadcast.
func (b *bundle) call(broadcast string, n int, users ...string) tasks.AdmissionRequest {
	call := b.message(tasks.Bulk, users...)
	call.Payload.ID = tasks.BroadcastCall{Broadcast: broadcast, Call: n}.ID()
	return call
}

func TestABroadcastLeavesNoKeyForEachRecipient(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(30, 1000))
	id := b.broadcast()
	const calls, recipients = 3, 1000
	for n := range calls {
		users := make([]string, recipients)
		for i := range users {
			users[i] = fmt.Sprintf("user%d-%d", n, i)
		}
		if a := b.admit(b.call(id, n, users...)); a.Verdict != tasks.Go || len(a.FollowUps) > 0 {
			t.Fatalf("call %d: %+v", n, a)
		}
	}
	if all := redistest.Keys(t, b.rdb, keys.All(b.app)); len(all) > calls+10 {
		t.Errorf("%d keys after a broadcast to %d: %v…", len(all), calls*recipients, all[:10])
	}
	if ttl := b.rdb.PTTL(t.Context(), keys.BroadcastsSent(b.app)).Val(); ttl < time.Hour || ttl > hour {
		t.Errorf("%s lives for %s, want an hour after the last call", keys.BroadcastsSent(b.app), ttl)
	}
}

func TestABroadcastCountsAgainstEverybodyButItself(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(3, 1000)) // two, and one reserved for alerts
	id := b.broadcast()
	for n, user := range []string{"a", "b", "c", "d"} {
		if a := b.admit(b.call(id, n, user)); a.Verdict != tasks.Go {
			t.Fatalf("call %d: %+v, want it to go", n, a)
		}
		b.pass(time.Second)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Go {
		t.Fatalf("a second message to a: %+v, want it to go", a)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Turn || a.Wait != minute-time.Second {
		t.Errorf("a third message to a: %+v, want it a minute after the newest call", a)
	}
	other := b.admit(b.call(b.broadcast(), 0, "a", "b"))
	if other.Verdict != tasks.Go || len(other.FollowUps) != 1 || !slices.Equal(other.FollowUps[0].Users, []string{"a"}) {
		t.Errorf("another broadcast: %+v, want it to follow later for a", other)
	}
	b.pass(hour)
	if a := b.admit(b.call(b.broadcast(), 0, "a")); a.Verdict != tasks.Go {
		t.Errorf("after an hour: %+v, want it to go", a)
	}
	b.admit(b.call(b.broadcast(), 0, "a"))
	if sent := b.rdb.HLen(t.Context(), keys.BroadcastsSent(b.app)).Val(); sent > 2 {
		t.Errorf("%d broadcasts count, want the two of this hour", sent)
	}
}

func TestACallThatWeComMayHaveCountsTwice(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(4, 1000)) // three, and one reserved for alerts
	call := b.call(b.broadcast(), 0, "a")
	b.admit(call)
	b.pass(61 * time.Second) // no answer; its worker is considered dead
	if a := b.admit(call); a.Verdict != tasks.Go || a.InDoubt != 1 {
		t.Fatalf("admission %+v, want a second attempt", a)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Go {
		t.Fatalf("admission %+v", a)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Turn {
		t.Errorf("admission %+v, want it to wait: a may have had three", a)
	}
}

// TestNoWindowIsEverOverWithBroadcasts mixes broadcasts and messages.
func TestNoWindowIsEverOverWithBroadcasts(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	users := strings.Split("abcdefgh", "")
	rapid.Check(t, func(rt *rapid.T) {
		limits := tasks.Limits{
			CallsPerMinute:  rapid.IntRange(10, 500).Draw(rt, "calls per minute"),
			MemberPerMinute: rapid.IntRange(1, 8).Draw(rt, "member per minute"),
			MemberPerHour:   rapid.IntRange(1, 20).Draw(rt, "member per hour"),
		}
		b := newBundle(t, rdb, limits)
		r, total := newTraffic(b), 0
		refused, late := rapid.IntRange(0, 9), rapid.SampledFrom([]int64{0, 100, 1200, 15_000, 600_000})
		r.refuse = func() bool { return refused.Draw(rt, "refused") == 0 }
		r.late = func() time.Duration { return time.Duration(late.Draw(rt, "late")) * time.Millisecond }
		at := func() time.Time {
			return noon.Add(time.Duration(rapid.Int64Range(0, 300_000).Draw(rt, "after")) * time.Millisecond)
		}
		for range rapid.IntRange(1, 5).Draw(rt, "broadcasts") {
			id := b.broadcast()
			to := rapid.Permutation(users).Draw(rt, "recipients")
			total += len(to)
			for n, some := range slices.Collect(slices.Chunk(to, rapid.IntRange(1, 8).Draw(rt, "of a call"))) {
				heap.Push(&r.agenda, visit{at(), b.call(id, n, some...)})
			}
		}
		for range rapid.IntRange(0, 20).Draw(rt, "messages") {
			m := b.draw(rt, users)
			total += max(len(m.Users), 1)
			heap.Push(&r.agenda, visit{at(), m})
		}
		r.run()

		r.check(rt, limits, total)
	})
}
