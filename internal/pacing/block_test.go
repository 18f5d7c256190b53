package pacing_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// crowd are members, each with that many promises, one a second; negative
// moments are over.
func (b *bundle) crowd(members, promises int, first time.Duration) []string {
	b.Helper()
	users := make([]string, members)
	pipe := b.rdb.Pipeline()
	for i := range users {
		users[i] = fmt.Sprintf("user%04d", i)
		moments := make([]any, promises)
		for n := range moments {
			moments[n] = b.now.Add(first + time.Duration(n)*time.Second).UnixMilli()
		}
		pipe.LPush(b.Context(), keys.Plan(b.app, users[i]), moments...)
		pipe.LPush(b.Context(), keys.Sent(b.app, users[i]), b.now.UnixMilli())
	}
	pipe.HSet(b.Context(), keys.Pace(b.app), "planned_until", b.now.Add(time.Hour).UnixMilli())
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
	return users
}

var callsPattern = regexp.MustCompile(`calls=(\d+)`)

// commands is how many commands Redis has run, those of scripts included.
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

// TestAnAdmissionLooksAtFewEntriesOfLongLists bounds what one admission costs, because
// Redis serves nobody else meanwhile.
func TestAnAdmissionLooksAtFewEntriesOfLongLists(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		promises int
		first    time.Duration
		most     int // commands for a recipient
	}{
		"behind promises to come":                 {promises: 64, first: time.Minute, most: 10},
		"behind many of them":                     {promises: 900, first: time.Minute, most: 10},
		"when half of the promises are over":      {promises: 20, first: -9 * time.Second, most: 18},
		"when promises were kept a long time ago": {promises: 900, first: -30 * time.Minute, most: 32},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, redistest.Start(t).Client(), unhurried(30, 1000))
			users := b.crowd(100, tc.promises, tc.first)
			before := b.commands()
			b.admit(b.message(tasks.Default, users...))
			if got := float64(b.commands()-before) / float64(len(users)); got > float64(tc.most) {
				t.Errorf("%.1f commands for each recipient, want %d at most", got, tc.most)
			}
		})
	}
}

// BenchmarkAdmitBehindPlans is an admission of a thousand recipients who all wait.
func BenchmarkAdmitBehindPlans(b *testing.B) {
	p := newBundle(b, redistest.New(b), unhurried(30, 1000))
	users := p.crowd(1000, 64, time.Minute)
	for b.Loop() {
		p.admit(p.message(tasks.Default, users...))
	}
}
