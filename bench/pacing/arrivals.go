package main

import (
	"time"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// arrivals are messages that WeCom accepted, the oldest first.
type arrivals []wecomtest.Message

// within counts those from one time until before another.
func (a arrivals) within(from, to time.Time) int {
	n := 0
	for _, m := range a {
		if !m.At.Before(from) && m.At.Before(to) {
			n++
		}
	}
	return n
}

// most is the greatest number in any window of this length.
func (a arrivals) most(window time.Duration) int {
	most, first := 0, 0
	for i, m := range a {
		for m.At.Sub(a[first].At) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// at returns when each member's message arrived; every message goes to a different member.
func (a arrivals) at() map[string]time.Time {
	at := make(map[string]time.Time, len(a))
	for _, m := range a {
		if len(m.To) == 1 {
			at[m.To[0]] = m.At
		}
	}
	return at
}
