package sim_test

import (
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
)

// checkWindows compares the arrivals with the limits, by the clock that the limits use: Redis's, which counts no
// time twice when it is set back. So WeCom may have had more when it was set ahead.
func (w *world) checkWindows() {
	calls, members, days := map[string][]time.Time{}, map[string][]time.Time{}, map[string]int{}
	for _, m := range w.wecom.Messages() {
		app := appOf(m.AgentID)
		at, date := w.byRedis(m.At)
		calls[app] = append(calls[app], at)
		if m.Suppressed {
			continue
		}
		users := slices.Concat(m.To, m.Dropped)
		days[app+" "+date] += len(users)
		for _, user := range users {
			members[app+" "+user] = append(members[app+" "+user], at)
		}
	}
	late := w.lateCalls(0)
	w.checkWindow("calls", calls, time.Minute, w.limits.CallsPerMinute+w.lateCalls(2*time.Second))
	w.checkWindow("messages to a member", members, time.Minute, w.limits.MemberPerMinute+late)
	w.checkWindow("messages to a member", members, time.Hour, w.limits.MemberPerHour+late)
	for day, persons := range days {
		if w.limits.Seats > 0 && persons > 200*w.limits.Seats {
			w.Errorf("%d recipients on %s, by the clock of Redis", persons, day)
		}
	}
}

// lateCalls counts calls that WeCom may have accepted more than this later than they were made: the limits count
// when a call is made, WeCom when it accepts it. Of the app's calls, those are counted in time that take up to 2 s.
func (w *world) lateCalls(by time.Duration) int {
	late := 0
	for _, f := range w.faults {
		if time.Duration(f.Delay) > by {
			late += f.Fired
		}
	}
	return late
}

// checkWindow: no window of this length has more than limit.
func (w *world) checkWindow(of string, sent map[string][]time.Time, length time.Duration, limit int) {
	for whose, moments := range sent {
		slices.SortFunc(moments, time.Time.Compare)
		for i := range moments {
			if last := i + limit; last < len(moments) && moments[last].Sub(moments[i]) < length {
				w.Errorf("more than %d %s in %s by the clock of Redis: %s", limit, of, length, whose)
				break
			}
		}
	}
}

// byRedis returns the moment that the limits used for a time, and the date in China, by Redis's clock.
func (w *world) byRedis(at time.Time) (moment time.Time, date string) {
	moment, clock := at, at
	for _, s := range w.steps {
		if s.at.Before(at) {
			moment, clock = moment.Add(max(s.by, 0)), clock.Add(s.by)
		}
	}
	return moment, clock.In(broadcast.ChinaTime).Format(time.DateOnly)
}
