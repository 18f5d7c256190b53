package pages

import (
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
)

// end is when a broadcast will be finished.
type end struct {
	At time.Time // zero if unknown
	// By is the limit that decides it: the app's quota, the broadcast's hours, its own rate, or the app's.
	By string
}

func endOf(b *broadcast.Broadcast, now time.Time, pace broadcast.Pace) end {
	e := end{At: b.ETA(now, pace), By: "app"}
	if e.At.IsZero() {
		return e
	}
	unlimited, anytime, unhurried := pace, *b, *b
	unlimited.DayQuota = -1
	anytime.Spec.Between = broadcast.Hours{}
	unhurried.Spec.Rate = 0
	switch {
	case b.ETA(now, unlimited).Before(e.At):
		e.By = "quota"
	case anytime.ETA(now, pace).Before(e.At):
		e.By = "hours"
	case unhurried.ETA(now, pace).Before(e.At):
		e.By = "rate"
	}
	return e
}

// ending says when a broadcast ends and because of which limit, "" if unknown.
func (l language) ending(e end) string {
	if e.At.IsZero() {
		return ""
	}
	return fmt.Sprintf(l.say("end: "+e.By), l.soon(e.At, time.Now()))
}

// soon formats a time in the near past or future, such as "tomorrow 10:40".
func (l language) soon(at, now time.Time) string {
	at, now = at.In(china), now.In(china)
	clock := at.Format("15:04")
	switch at.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return fmt.Sprintf(l.say("today %s"), clock)
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		return fmt.Sprintf(l.say("tomorrow %s"), clock)
	}
	return at.Format("2006-01-02 15:04")
}
