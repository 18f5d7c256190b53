package pacing_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// crowd are members who have had all messages that a minute allows, one a second, and that many promises.
func (b *bundle) crowd(members, promises int) []string {
	b.Helper()
	users := make([]string, members)
	for i := range users {
		users[i] = fmt.Sprintf("user%04d", i)
	}
	for range 27 {
		b.admit(b.message(tasks.Default, users...))
		b.pass(time.Second)
	}
	for range promises {
		b.admit(b.message(tasks.Default, users...))
	}
	return users
}

var callsPattern = regexp.MustCompile(`calls=(\d+)`)

// commands is how many commands Redis has run, including those of scripts.
func (b *bundle) commands() int {
	b.Helper()
	total := 0
	for _, match := range callsPattern.FindAllStringSubmatch(b.rdb.Info(b.Context(), "commandstats").Val(), -1) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			b.Fatal(err)
		}
		total += n
	}
	return total
}

// TestAnAdmissionReadsAllRecipientsAtOnce bounds the cost of one admission, because Redis is blocked meanwhile.
func TestAnAdmissionReadsAllRecipientsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		promises int
		pass     time.Duration // after the promises
		kept     bool          // the promises that are over by then
		most     int           // commands per recipient
	}{
		"behind promises to come":               {promises: 64, most: 1},
		"behind many of them":                   {promises: 900, most: 1},
		"when half of the promises are over":    {promises: 20, pass: 44 * time.Second, most: 1},
		"when many were kept a long time ago":   {promises: 900, pass: 20 * time.Minute, kept: true, most: 9},
		"when none of the first ones were kept": {promises: 900, pass: 20 * time.Minute, most: 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, redistest.Start(t).Client(), unhurried(30, 1000))
			users := b.crowd(50, tc.promises)
			b.pass(tc.pass)
			if tc.kept {
				promised := b.message(tasks.Default, users...)
				promised.Payload.TurnAt = b.now.UnixMilli()
				b.admit(promised)
			}
			before := b.commands()
			b.admit(b.message(tasks.Default, users...))
			const once = 30 // commands independent of the recipients
			if got := float64(b.commands()-before-once) / float64(len(users)); got > float64(tc.most) {
				t.Errorf("%.1f commands for each recipient, want %d at most", got, tc.most)
			}
		})
	}
}

// TestABusyCrowdIsDecidedOnInParts: members beyond MOST_BUSY get a follow-up that asks for a turn as any other
// message does, and nobody is in two.
func TestABusyCrowdIsDecidedOnInParts(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.Start(t).Client(), unhurried(2, 1000))
	busy := make([]string, 600)
	for i := range busy {
		busy[i] = fmt.Sprintf("busy%03d", i)
	}
	ask := func(m tasks.AdmissionRequest, verdict tasks.Verdict, goes int, apart ...int) tasks.Admission {
		t.Helper()
		a, waits, sizes := b.admit(m), map[string]bool{}, []int(nil)
		for _, f := range a.FollowUps {
			for _, user := range f.Users {
				if waits[user] {
					t.Errorf("%s is in two follow-ups", user)
				}
				waits[user] = true
			}
			if f.TurnAt == 0 && f.Wait == 0 {
				sizes = append(sizes, len(f.Users))
			}
		}
		if got := len(m.Users) - len(waits); a.Verdict != verdict || got != goes || !slices.Equal(sizes, apart) {
			t.Errorf("%s for %d, and follow-ups at once for %d; want %s for %d and %d", a.Verdict, got, sizes, verdict, goes, apart)
		}
		return a
	}

	ask(b.message(tasks.Default, busy...), tasks.Go, 600) // they have had no messages
	m := b.message(tasks.Default, busy...)
	first := ask(m, tasks.Turn, 250, 250, 100)
	for _, f := range first.FollowUps {
		ask(b.message(tasks.Default, f.Users...), tasks.Turn, len(f.Users))
	}
	ask(b.message(tasks.Default, append([]string{"free"}, busy...)...), tasks.Go, 1, 250, 100)

	b.pass(minute)
	again := ask(m, tasks.Go, 250, 250, 100) // at its turn, as it was split before
	if diff := cmp.Diff(first.FollowUps, again.FollowUps); diff != "" {
		t.Errorf("it is split otherwise (-first +again):\n%s", diff)
	}
}
