package pacing_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

// crowd are members who have had all that a minute may bring, a message a second, and that
// many promises.
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

// TestAnAdmissionReadsAllRecipientsAtOnce bounds what one admission costs, because Redis
// serves nobody else meanwhile.
func TestAnAdmissionReadsAllRecipientsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		promises int
		pass     time.Duration // after they were made
		kept     bool          // those that are over by then
		most     int           // commands for a recipient
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
			const once = 30 // commands that do not depend on the recipients
			if got := float64(b.commands()-before-once) / float64(len(users)); got > float64(tc.most) {
				t.Errorf("%.1f commands for each recipient, want %d at most", got, tc.most)
			}
		})
	}
}
