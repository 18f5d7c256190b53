package pacing_test

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// visit is a message that asks for admission at a time.
type visit struct {
	at      time.Time
	message tasks.AdmissionRequest
}

// agenda has the future visits, the earliest first.
type agenda []visit

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(v any)        { *a = append(*a, v.(visit)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// traffic is a run of the pacer with many messages, and the messages sent.
type traffic struct {
	*bundle
	agenda agenda
	calls  []time.Time
	sent   map[string][]time.Time // by member; "@all" is everyone
	// followed are the follow-ups that were enqueued.
	followed map[string]bool
	asked    int                  // times that a message was dequeued
	late     func() time.Duration // how late a message comes to its turn
	refuse   func() bool          // whether WeCom refuses a call
}

// run lets every message ask until it is sent.
func (r *traffic) run() {
	r.Helper()
	for r.agenda.Len() > 0 {
		next, _ := heap.Pop(&r.agenda).(visit)
		r.now = next.at
		a := r.admit(next.message)
		r.split(next.message, a)
		switch a.Verdict {
		case tasks.Go:
			r.asked++
			r.calls = append(r.calls, r.now)
			if r.refuse() {
				r.settle(next.message, tasks.Queued)
				r.report(tasks.Finding{Kind: tasks.Refund, Request: r.without(next.message, a), Admission: a})
				heap.Push(&r.agenda, visit{r.now.Add(2 * time.Second), next.message})
				continue
			}
			r.record(next.message, a)
		case tasks.Wait:
			heap.Push(&r.agenda, visit{r.now.Add(a.Wait), next.message})
		case tasks.Turn:
			late := time.Duration(0)
			if a.Wait > 3*time.Second { // a shorter wait is spent in the handler
				r.asked++
				late = r.late()
			}
			heap.Push(&r.agenda, visit{r.now.Add(a.Wait + late), next.message})
		default:
			r.Fatalf("admission %+v", a)
		}
	}
}

// split makes separate messages to the users who wait.
func (r *traffic) split(m tasks.AdmissionRequest, a tasks.Admission) {
	if a.Verdict != tasks.Go {
		return // it asks again, with the same result
	}
	for _, f := range a.FollowUps {
		id := tasks.FollowUpID(m.Payload.ID, f.Number)
		if r.followed[id] {
			continue // a second attempt has the same result
		}
		r.followed[id] = true
		followUp := r.message(m.Payload.Priority, f.Users...)
		followUp.Payload.TurnAt = f.TurnAt
		if m.Payload.Broadcast() != "" {
			followUp.Payload.ID = id
		}
		heap.Push(&r.agenda, visit{r.now.Add(f.Wait + r.late()), followUp})
	}
}

// without returns the message without the users who wait.
func (r *traffic) without(m tasks.AdmissionRequest, a tasks.Admission) tasks.AdmissionRequest {
	m.Users = slices.DeleteFunc(slices.Clone(m.Users), func(user string) bool {
		return slices.ContainsFunc(a.FollowUps, func(f tasks.FollowUp) bool { return slices.Contains(f.Users, user) })
	})
	return m
}

func (r *traffic) record(m tasks.AdmissionRequest, a tasks.Admission) {
	for _, user := range r.without(m, a).Users {
		r.sent[user] = append(r.sent[user], r.now)
	}
	if m.Everyone {
		r.sent["@all"] = append(r.sent["@all"], r.now)
	}
}

// newTraffic returns a run without messages, without delays and refusals.
func newTraffic(b *bundle) *traffic {
	return &traffic{
		bundle: b, sent: map[string][]time.Time{}, followed: map[string]bool{},
		late: func() time.Duration { return 0 }, refuse: func() bool { return false },
	}
}

// most is the largest number of moments within any window of that length.
func most(moments []time.Time, window time.Duration) int {
	moments = slices.Clone(moments)
	slices.SortFunc(moments, time.Time.Compare)
	largest, first := 0, 0
	for i, at := range moments {
		for !moments[first].Add(window).After(at) {
			first++
		}
		largest = max(largest, i-first+1)
	}
	return largest
}

func TestNoWindowIsEverOver(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	users := []string{"a", "b", "c", "d"}
	rapid.Check(t, func(rt *rapid.T) {
		limits := tasks.Limits{
			CallsPerMinute:  rapid.IntRange(1, 200).Draw(rt, "calls per minute"),
			MemberPerMinute: rapid.IntRange(1, 12).Draw(rt, "member per minute"),
			MemberPerHour:   rapid.IntRange(1, 40).Draw(rt, "member per hour"),
		}
		b := newBundle(t, rdb, limits)
		r := newTraffic(b)
		late := rapid.SampledFrom([]int64{0, 100, 1200, 3000, 15_000, 70_000, 600_000})
		r.late = func() time.Duration { return time.Duration(late.Draw(rt, "late")) * time.Millisecond }
		refused := rapid.IntRange(0, 9)
		r.refuse = func() bool { return refused.Draw(rt, "refused") == 0 }
		count := rapid.IntRange(1, 40).Draw(rt, "messages")
		total := 0
		for range count {
			m := b.draw(rt, users)
			total += max(len(m.Users), 1)
			after := time.Duration(rapid.Int64Range(0, 120_000).Draw(rt, "after")) * time.Millisecond
			heap.Push(&r.agenda, visit{noon.Add(after), m})
		}
		r.run()

		if n := most(r.calls, time.Minute); n > limits.CallsPerMinute {
			rt.Errorf("%d calls within a minute, the limit is %d", n, limits.CallsPerMinute)
		}
		r.check(rt, limits, total)
	})
}

// draw makes a message to some of the users, or to everyone.
func (b *bundle) draw(rt *rapid.T, users []string) tasks.AdmissionRequest {
	m := b.message(rapid.SampledFrom(tasks.Priorities()).Draw(rt, "priority"),
		rapid.SliceOfNDistinct(rapid.SampledFrom(users), 0, 4, rapid.ID[string]).Draw(rt, "users")...)
	m.Everyone = len(m.Users) == 0
	return m
}

// check checks that no member's window was ever exceeded, and that all person-times have arrived, each once.
func (r *traffic) check(rt *rapid.T, limits tasks.Limits, total int) {
	arrived := 0
	for user, moments := range r.sent {
		arrived += len(moments)
		if n := most(moments, time.Minute); n > limits.MemberPerMinute {
			rt.Errorf("%d messages to %s within a minute, the limit is %d", n, user, limits.MemberPerMinute)
		}
		if n := most(moments, time.Hour); n > limits.MemberPerHour {
			rt.Errorf("%d messages to %s within an hour, the limit is %d", n, user, limits.MemberPerHour)
		}
	}
	if arrived != total {
		rt.Errorf("%d person-times arrived, want %d: each once", arrived, total)
	}
}

// earliest is the first moment, not before now nor before those in given, that keeps every window within its
// limit: it tries all candidates.
func earliest(given []time.Time, now time.Time, perMinute, perHour int) time.Time {
	candidates := []time.Time{now}
	for _, at := range given {
		candidates = append(candidates, at.Add(minute), at.Add(hour), at)
	}
	slices.SortFunc(candidates, time.Time.Compare)
	for _, c := range candidates {
		if c.After(now) {
			c = c.Add(time.Second - time.Nanosecond).Truncate(time.Second)
		}
		fits := !c.Before(now) && !slices.ContainsFunc(given, func(at time.Time) bool { return at.After(c) })
		all := append(slices.Clone(given), c)
		if fits && most(all, minute) <= perMinute && most(all, hour) <= perHour {
			return c
		}
	}
	return time.Time{}
}

func TestNoMessageIsLaterThanItHadToBe(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	rapid.Check(t, func(rt *rapid.T) {
		perMinute, perHour := rapid.IntRange(2, 9).Draw(rt, "per minute"), rapid.IntRange(2, 30).Draw(rt, "per hour")
		b := newBundle(t, rdb, unhurried(perMinute, perHour))
		var given []time.Time // within a minute, so that no turn lapses
		for range rapid.IntRange(1, 40).Draw(rt, "messages") {
			b.pass(time.Duration(rapid.Int64Range(0, 1500).Draw(rt, "pause")) * time.Millisecond)
			want := earliest(given, b.now, perMinute-1, perHour-max(1, perHour/10)) // one and a tenth are reserved for alerts
			a := b.admit(b.message(tasks.Bulk, "a"))
			if got := b.now.Add(a.Wait); !got.Equal(want) {
				rt.Fatalf("message %d may go at %s, want %s; before it: %v", len(given)+1, got, want, given)
			}
			given = append(given, want)
		}
	})
}

func TestEachMessageToABusyMemberAsksTwice(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	for name, tc := range map[string]struct {
		late   func() time.Duration
		alerts time.Duration // interval between alerts, 0 for none
		most   float64       // dequeues per message
	}{
		"whoever comes to its turn goes":                    {func() time.Duration { return 0 }, 0, 2},
		"also a second late":                                {func() time.Duration { return rand.N(1200 * time.Millisecond) }, 0, 2.1},
		"and far too late, because a backlog was before it": {func() time.Duration { return time.Minute + rand.N(30*time.Second) }, 0, 2.1},
		"alerts to the same member take little":             {func() time.Duration { return rand.N(1200 * time.Millisecond) }, 30 * time.Second, 2.1},
		"even many":                                         {func() time.Duration { return rand.N(1200 * time.Millisecond) }, 10 * time.Second, 2.6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, rdb, unhurried(30, 1_000))
			r := newTraffic(b)
			r.late = tc.late
			const messages = 1100 // more than fit into an hour
			for range messages {
				heap.Push(&r.agenda, visit{noon, b.message(tasks.Bulk, "a")})
			}
			for at := tc.alerts; at > 0 && at < time.Hour; at += tc.alerts {
				heap.Push(&r.agenda, visit{noon.Add(at), b.message(tasks.Critical, "a")})
			}
			r.run()
			if asked := float64(r.asked) / float64(len(r.sent["a"])); asked > tc.most {
				t.Errorf("%.2f dequeues per message, want %v at most", asked, tc.most)
			}
			if last := slices.MaxFunc(r.sent["a"], time.Time.Compare).Sub(noon); last > 2*time.Hour {
				t.Errorf("the last went after %s; 900 an hour need little more than one", last)
			}
		})
	}
}

func TestAReservationThatIsNotUsedExpires(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), unhurried(2, 1000))
	b.admit(b.message(tasks.Default, "a"))
	lost := b.message(tasks.Default, "a")
	if a := b.admit(lost); a.Verdict != tasks.Turn {
		t.Fatalf("admission %+v", a)
	}
	b.pass(minute + time.Second)
	if a := b.admit(b.message(tasks.Default, "a")); a.Verdict != tasks.Go {
		t.Errorf("after a turn that nobody used: %+v, want the next to go at once", a)
	}
	b.pass(2 * minute) // the lost one comes back, long after its turn
	if a := b.admit(lost); a.Verdict != tasks.Go {
		t.Errorf("the late one: %+v, want it to go like any other", a)
	}
}
