package broadcast

import (
	"math"
	"time"
)

// Pace is the app's capacity for a broadcast.
type Pace struct {
	CallsPerMinute float64 // at the moment
	// DayQuota is how many recipients of bulk messages the app may reach per day, and Used how many it has
	// reached today, in China; a DayQuota below 0 means no limit.
	DayQuota, Used int
}

// quotaFor is the share of the day quota for this number of recipients.
func (p Pace) quotaFor(recipients int) Quota {
	return Quota{QuotaCost: recipients, DayQuota: max(p.DayQuota, -1), UsedToday: p.Used}
}

// newDay is when the app's quota is available again after midnight: see clock.lua of internal/pacing.
const newDay = 10 * time.Second

// maxDays bounds how far ahead an end is computed.
const maxDays = 366

// ETA is when the broadcast will have reached everybody, if nothing else is sent and no member's window is
// full; zero if it is over, does not continue by itself, or would take more than a year.
func (b *Broadcast) ETA(now time.Time, pace Pace) time.Time {
	left := float64(b.Counts.Pending)
	perMinute := b.recipientsPerMinute(pace)
	if !b.goesOn() || perMinute <= 0 || pace.DayQuota == 0 {
		return time.Time{}
	}
	begin, used := now, float64(pace.Used)
	if b.Spec.At.After(now) {
		begin = b.Spec.At
	}
	if !sameDay(now, begin) {
		used = 0
	}
	for at, end := begin, begin.AddDate(0, 0, maxDays); at.Before(end); {
		from, until := b.Spec.Between.next(at)
		if !sameDay(at, from) {
			used = 0
		}
		if midnight := nextMidnight(from); midnight.Before(until) {
			until = midnight
		}
		reached := min(left, perMinute*until.Sub(from).Minutes(), pace.quotaLeft(used))
		if left -= reached; left <= 0 {
			return from.Add(time.Duration(reached / perMinute * float64(time.Minute)))
		}
		used += reached
		if at = until; pace.quotaLeft(used) <= 0 {
			at = nextMidnight(from)
		}
		if !sameDay(from, at) {
			used = 0
		}
	}
	return time.Time{}
}

// goesOn reports whether the broadcast continues without an operator.
func (b *Broadcast) goesOn() bool {
	return b.State != Paused && !b.State.Over() && b.Counts.Pending > 0
}

// quotaLeft is how many recipients may still be reached today.
func (p Pace) quotaLeft(used float64) float64 {
	if p.DayQuota < 0 {
		return math.Inf(1)
	}
	return max(0, float64(p.DayQuota)-used)
}

// recipientsPerMinute is how many the remaining calls reach in a minute.
func (b *Broadcast) recipientsPerMinute(pace Pace) float64 {
	calls := max(b.Calls-b.CallsDone, 1)
	perMinute := pace.CallsPerMinute * float64(b.Counts.Pending) / float64(calls)
	if b.Spec.Rate > 0 {
		perMinute = min(perMinute, float64(b.Spec.Rate))
	}
	return perMinute
}

func nextMidnight(at time.Time) time.Time {
	year, month, date := at.In(ChinaTime).Date()
	return time.Date(year, month, date+1, 0, 0, 0, 0, ChinaTime).Add(newDay)
}

func sameDay(a, b time.Time) bool { return nextMidnight(a).Equal(nextMidnight(b)) }
