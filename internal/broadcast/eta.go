package broadcast

import "time"

// Pace is what the app can do for a broadcast.
type Pace struct {
	CallsPerMinute float64 // at the moment
	// DayQuota is how many recipients of bulk messages a day the app may reach, and Used
	// how many it has reached today, in China; a DayQuota below 0 is no limit.
	DayQuota, Used int
}

// newDay is when the app's quota is there again after midnight: see clock.lua of
// internal/pacing.
const newDay = 10 * time.Second

// maxDays bounds how far ahead an end is computed.
const maxDays = 366

// ETA is when the broadcast will have reached everybody, if nothing else is sent and
// nobody has to wait for a window of their own; zero if it has ended, does not go on by
// itself, or would take over a year.
func (b *Broadcast) ETA(now time.Time, pace Pace) time.Time {
	left := float64(b.Counts.Pending)
	perMinute := b.recipientsPerMinute(pace)
	if b.State == Paused || b.State.Over() || left == 0 || perMinute <= 0 || pace.DayQuota == 0 {
		return time.Time{}
	}
	at, used := now, float64(pace.Used)
	if b.Spec.At.After(at) {
		at = b.Spec.At
	}
	if !sameDay(now, at) {
		used = 0
	}
	for end := at.AddDate(0, 0, maxDays); at.Before(end); {
		closes, opens := b.Spec.Between.Now(at)
		midnight := nextMidnight(at)
		if !opens.IsZero() {
			if !opens.Before(midnight) {
				used = 0
			}
			at = opens
			continue
		}
		until := midnight
		if !closes.IsZero() && closes.Before(until) {
			until = closes
		}
		reached := min(left, perMinute*until.Sub(at).Minutes())
		if pace.DayQuota > 0 {
			reached = min(reached, max(0, float64(pace.DayQuota)-used))
		}
		if left -= reached; left <= 0 {
			return at.Add(time.Duration(reached / perMinute * float64(time.Minute)))
		}
		used += reached
		if at = until; until.Equal(midnight) || (pace.DayQuota > 0 && used >= float64(pace.DayQuota)) {
			at, used = midnight, 0
		}
	}
	return time.Time{}
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
