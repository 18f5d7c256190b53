package apps

import (
	"time"

	"github.com/wecomq/wecomq/internal/pacing"
)

// ending is when what waits now will have been sent: with as many calls a minute as the app has
// made lately while messages waited, or as it may make. Messages that wait for their recipients'
// turn go then.
func (s *Status) ending(now time.Time) (at time.Time) {
	messages, held := s.waiting(), 0
	for _, q := range s.Queues {
		messages, held = messages+q.Sending, held+q.Held
	}
	for _, cause := range s.Stuck {
		if cause.By != ByMembers {
			return time.Time{}
		}
		messages, at = messages-min(cause.Messages, held), cause.Until
	}
	perMinute := s.callsPerMinute(now)
	if s.State != pacing.Running || perMinute <= 0 {
		return time.Time{}
	}
	if messages > 0 {
		took := time.Duration(float64(messages) / perMinute * float64(time.Minute))
		if end := now.Add(took).UTC().Truncate(time.Second); end.After(at) {
			at = end
		}
	}
	return at
}

// callsPerMinute is what the app may make, or less if it has made less in those of the last
// minutes, up to five, that messages have waited for.
func (s *Status) callsPerMinute(now time.Time) float64 {
	const most = 5
	whole := 0
	if !s.WaitingSince.IsZero() {
		whole = min(int(now.Sub(s.WaitingSince).Minutes()), most)
	}
	if whole == 0 {
		return float64(s.Rate.Effective)
	}
	calls := 0
	for i := range whole {
		calls += s.Minutes[len(s.Minutes)-2-i].Calls // the last one has not ended
	}
	return min(float64(calls)/float64(whole), float64(s.Rate.Effective))
}
