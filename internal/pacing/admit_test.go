package pacing_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

func TestCallsAreSpacedEvenly(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{CallsPerMinute: 600, MemberPerMinute: 30, MemberPerHour: 1000})
	start := b.now
	var at []time.Duration
	for i := range 200 {
		message := b.message(tasks.Default, "a"+string(rune('a'+i%26))+string(rune('a'+i/26)))
		for {
			a := b.admit(message)
			if a.Verdict == tasks.Go {
				at = append(at, b.now.Sub(start))
				break
			}
			if a.Verdict != tasks.Wait || a.Wait <= 0 {
				t.Fatalf("admission %+v, want to wait for the rate", a)
			}
			b.pass(a.Wait)
		}
	}
	const interval = 60210 * time.Millisecond / 600
	for i, moment := range at[3:] {
		if gap := moment - at[i+2]; gap < interval-2*time.Millisecond || gap > interval+2*time.Millisecond {
			t.Fatalf("call %d comes %s after the one before, want %s", i+3, gap, interval)
		}
	}
	if at[1] > 10*time.Millisecond || at[2] > interval {
		t.Errorf("the first calls come at %v, want a head start of 120 ms", at[:3])
	}
}

func TestAHigherPriorityGoesFirstAtTheLimit(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{CallsPerMinute: 60, MemberPerMinute: 30, MemberPerHour: 1000})
	for b.admit(b.message(tasks.Bulk, "a")).Verdict == tasks.Go {
	}
	waits := map[tasks.Priority]time.Duration{}
	for _, p := range tasks.Priorities() {
		waits[p] = b.admit(b.message(p, "b")).Wait
	}
	if waits[tasks.Bulk]-waits[tasks.Default] != 60*time.Millisecond || waits[tasks.Default]-waits[tasks.Critical] != 60*time.Millisecond {
		t.Errorf("waits %v, want each priority 60 ms before the next", waits)
	}
}

func TestAMessageIsSplitAtMembersWhoMustWait(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(2, 1000))
	b.admit(b.message(tasks.Default, "c")) // c has room again
	b.pass(minute)
	b.admit(b.message(tasks.Default, "busy"))
	b.pass(time.Second)
	a := b.admit(b.message(tasks.Default, "A", "Busy", "c"))
	want := tasks.Admission{
		Verdict: tasks.Go, Number: 1, Spacing: a.Spacing, Concurrency: 1, At: b.now.UnixMilli(),
		FollowUps: []tasks.FollowUp{{
			Number: 1, Wait: minute - time.Second, TurnAt: noon.Add(2 * minute).UnixMilli(), Limit: "member", Users: []string{"busy"},
		}},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("admission (-want +got):\n%s", diff)
	}

	followUp := b.message(tasks.Default, "busy")
	followUp.Payload.TurnAt = a.FollowUps[0].TurnAt
	b.pass(a.FollowUps[0].Wait)
	if a := b.admit(followUp); a.Verdict != tasks.Go {
		t.Errorf("the follow-up meets %+v at its turn", a)
	}
}

func TestARedeliveredMessageIsSplitAsBefore(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(2, 1000))
	b.admit(b.message(tasks.Default, "busy"))
	split := b.message(tasks.Default, "a", "busy")
	first := b.admit(split)
	b.pass(2 * minute) // its worker died, and meanwhile the busy user has room
	again := b.admit(split)
	if again.Verdict != tasks.Go || again.Number != 2 {
		t.Fatalf("admission %+v, want the second attempt", again)
	}
	if diff := cmp.Diff(first.FollowUps[0].Users, again.FollowUps[0].Users); diff != "" {
		t.Errorf("the second attempt is split otherwise (-first +second):\n%s", diff)
	}
	if got := b.admit(b.message(tasks.Default, "busy")); got.Verdict != tasks.Go {
		t.Errorf("the second attempt used up the room of a member it does not go to: %+v", got)
	}
}

func TestAMessageThatWeComMayHaveIsNotSplit(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(2, 1000))
	m := b.message(tasks.Default, "a", "b")
	if a := b.admit(m); a.Verdict != tasks.Go {
		t.Fatalf("admission %+v", a)
	}
	b.pass(61 * time.Second) // no answer; its worker is considered dead
	b.admit(b.message(tasks.Critical, "b"))
	b.admit(b.message(tasks.Critical, "b"))
	b.pass(time.Millisecond)
	if a := b.admit(m); a.Verdict != tasks.Turn || len(a.FollowUps) > 0 {
		t.Errorf("admission %+v, want it to wait for both: WeCom compares whole requests", a)
	}
}

func TestOneBusyMemberHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(30, 1000))
	flood := func() {
		for range 1500 {
			b.admit(b.message(tasks.Default, "busy"))
		}
	}
	refused := b.message(tasks.Default, "a", "busy")
	first := b.admit(refused)
	flood()
	// WeCom has refused the call: the others still go at the next attempt.
	b.settle(refused, tasks.Queued)
	b.report(tasks.Finding{Kind: tasks.Refund, Request: refused, Admission: first})
	if a := b.admit(refused); a.Verdict != tasks.Go || len(a.FollowUps) > 1 {
		t.Errorf("a second attempt: %+v, want it to go now, if need be without the busy one", a)
	}
	party := b.message(tasks.Default, "busy")
	party.Groups = 1
	if a := b.admit(party); a.Verdict != tasks.Go || len(a.FollowUps) != 1 {
		t.Errorf("a message to a department and the busy one: %+v, want it to go to the department", a)
	}
	other := b.message(tasks.Default)
	other.Groups = 1
	if a := b.admit(other); a.Verdict != tasks.Go {
		t.Errorf("another message to a department: %+v, want it to go", a)
	}
}

func TestARefusedMessageKeepsItsTurn(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(30, 1000))
	for range 27 {
		b.admit(b.message(tasks.Bulk, "a"))
	}
	next := b.message(tasks.Bulk, "a")
	wait := b.admit(next).Wait
	for range 2000 {
		b.admit(b.message(tasks.Bulk, "a"))
	}
	b.pass(wait)
	a := b.admit(next)
	b.settle(next, tasks.Queued) // -1, for instance
	b.report(tasks.Finding{Kind: tasks.Refund, Request: next, Admission: a})
	b.pass(2 * time.Second)
	if again := b.admit(next); a.Verdict != tasks.Go || again.Verdict != tasks.Go {
		t.Errorf("at its turn: %+v; after it was refused: %+v; want both to go", a, again)
	}
}

func TestPromisesThatNobodyKeepsBlockNobody(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(30, 1000))
	for range 3000 { // three hours of messages, which are deleted
		b.admit(b.message(tasks.Default, "a"))
	}
	b.pass(minute + 11*time.Second)
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Go {
		t.Errorf("after a minute in which nobody came: %+v, want the next to go", a)
	}
	doomed := b.message(tasks.Critical, "b")
	doomed.Payload.ExpiresAt = b.now.Add(5 * time.Minute)
	for range 600 { // a storm that expires
		b.ids++
		doomed.Payload.ID = b.app + "-" + strconv.Itoa(b.ids)
		b.admit(doomed)
	}
	b.pass(6 * time.Minute)
	if a := b.admit(b.message(tasks.Critical, "b")); a.Verdict != tasks.Go {
		t.Errorf("an alert after a storm that has expired: %+v, want it to go", a)
	}
}

func TestMessagesToNobodyInParticularCountForEverybody(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(3, 1000))
	everyone := b.message(tasks.Default)
	everyone.Everyone = true
	if a := b.admit(everyone); a.Verdict != tasks.Go {
		t.Fatalf("admission %+v", a)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Go {
		t.Fatalf("the second message to a: %+v", a)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Turn {
		t.Errorf("the third message to a: %+v, want it to wait for what went to everyone", a)
	}
	for range 2 {
		everyone = b.message(tasks.Default)
		everyone.Everyone = true
		b.admit(everyone)
	}
	if a := b.admit(everyone); a.Verdict != tasks.Turn || a.Wait != minute {
		t.Errorf("the third message to everyone: %+v, want its turn in %s", a, minute)
	}
}

func TestAnAlertDoesNotWaitBehindABacklogToItsMember(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(30, 1000))
	for range 2000 {
		b.admit(b.message(tasks.Bulk, "a"))
	}
	for i := range 3 {
		if a := b.admit(b.message(tasks.Critical, "a")); a.Verdict != tasks.Go {
			t.Errorf("alert %d: %+v, want it to go at once", i+1, a)
		}
	}
	if a := b.admit(b.message(tasks.Critical, "a")); a.Verdict != tasks.Turn || a.Wait != minute {
		t.Errorf("alert 4: %+v, want its turn in %s", a, minute)
	}
	if a := b.admit(b.message(tasks.Bulk, "a")); a.Verdict != tasks.Turn || a.Wait < 2*time.Hour {
		t.Errorf("the next bulk message: %+v, want it behind two hours of others", a)
	}
}

func TestTheDayQuota(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	limits := tasks.Limits{CallsPerMinute: 1_000_000, MemberPerMinute: 30, MemberPerHour: 1000, Seats: 1, CriticalReserve: 0.05}
	b := newBundle(t, rdb, limits)
	users := make([]string, 180)
	for i := range users {
		users[i] = "user" + string(rune('a'+i/26)) + string(rune('a'+i%26))
	}
	if a := b.admit(b.message(tasks.Default, users...)); a.Verdict != tasks.Go || len(a.FollowUps) > 0 {
		t.Fatalf("180 of 190: %+v", a)
	}
	a := b.admit(b.message(tasks.Default, users[:15]...))
	if a.Verdict != tasks.Go || len(a.FollowUps) != 1 || len(a.FollowUps[0].Users) != 5 || a.FollowUps[0].Wait != 12*time.Hour+10*time.Second {
		t.Fatalf("15 more of 10: %+v, want 5 of them at midnight", a)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Turn || a.Reason != "quota" || a.Wait != 12*time.Hour+10*time.Second {
		t.Errorf("one more: %+v, want it at midnight", a)
	}
	alert := b.message(tasks.Critical, "A")
	a = b.admit(alert)
	if a.Verdict != tasks.Go {
		t.Errorf("an alert: %+v, want the reserve to let it go", a)
	}
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Turn || a.Reason != "quota" || a.Wait != 12*time.Hour+10*time.Second {
		t.Errorf("one more when alerts have used of their reserve: %+v, want it at midnight", a)
	}
	b.report(tasks.Finding{Kind: tasks.Refund, Request: alert, Admission: a})
	if s, err := b.Status(t.Context()); err != nil || s.Used != 190 || s.Midnight != 12*time.Hour {
		t.Errorf("status %+v, %v; want 190 used, midnight in 12 h", s, err)
	}
	b.pass(12 * time.Hour)
	if a := b.admit(b.message(tasks.Default, users...)); a.Verdict != tasks.Go || len(a.FollowUps) > 0 {
		t.Errorf("on the next day: %+v", a)
	}
}

func TestAClockThatGoesBackStopsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{CallsPerMinute: 60, MemberPerMinute: 2, MemberPerHour: 1000})
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Go {
		t.Fatalf("admission %+v", a)
	}
	b.pass(-time.Hour)
	b.admit(b.message(tasks.Default, "b")) // the first to notice
	b.pass(2 * time.Second)
	if a := b.admit(b.message(tasks.Default, "c")); a.Verdict != tasks.Go {
		t.Errorf("after the clock went back an hour: %+v, want it to go", a)
	}
	if a := b.admit(b.message(tasks.Default, "d")); a.Verdict != tasks.Wait || a.Wait > 2*time.Second {
		t.Errorf("the next: %+v, want to wait for the rate only", a)
	}
	b.pass(2 * time.Second)
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Turn || a.Wait > minute {
		t.Errorf("to the member of the first: %+v, want its turn within %s", a, minute)
	}
}

func TestStateOfQuietMembersGoesAway(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	b := newBundle(t, rdb, unhurried(100, 1000))
	began := time.Now()
	for range 200 {
		b.admit(b.message(tasks.Default, "a"))
	}
	keys := redistest.Keys(t, rdb, "wecomq:{"+b.app+"}:[wt]*:a*")
	if len(keys) != 5 {
		t.Fatalf("keys %v, want a window with one block put away, and a plan with two", keys)
	}
	for _, key := range keys {
		if ttl := rdb.PTTL(t.Context(), key).Val(); ttl < time.Hour-time.Since(began) || ttl > hour+3*minute {
			t.Errorf("%s lives for %s, want an hour after its last moment", key, ttl)
		}
	}
}
