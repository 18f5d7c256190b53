package apps

import (
	"time"

	"github.com/wecomq/wecomq/internal/pacing"
)

// ending is when the current backlog will have been sent, at the app's recent rate while messages waited, or
// at its permitted rate. Messages that wait for their recipients' turn are sent then.
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

// callsPerMinute is the permitted rate, or the actual one of up to five recent minutes in which messages
// waited, if that is lower.
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
