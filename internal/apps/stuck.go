package apps

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
)

// Cause is something that keeps messages of an app from being sent.
type Cause struct {
	// By is the state of the app, if that is not running, or one of the causes below.
	By string `json:"by" enum:"paused,penalty,suspended,unavailable,workers,quota,members"`
	// Messages is how many messages wait for it to end; at most 2000 of each queue are examined.
	Messages int `json:"messages"`
	// Until is when the last of them will be retried; zero if unknown.
	Until time.Time `json:"until,omitzero"`
	// LastCall is the minute of the last call within the hour, if no worker serves the app.
	LastCall time.Time `json:"last_call,omitzero"`
}

// The causes beside the states.
const (
	ByWorkers = "workers" // no worker serves the app
	ByQuota   = "quota"   // the day quota is used up
	ByMembers = "members" // recipients have had as many messages as WeCom delivers to one
)

// String describes the cause, and what to do.
func (c Cause) String() string {
	switch c.By {
	case ByWorkers:
		return fmt.Sprintf("no worker serves it%s; %d messages wait for 'wecomq worker'", lastCall(c.LastCall), c.Messages)
	case ByQuota:
		return fmt.Sprintf("the day quota is used up; %d messages wait%s, the new day in China", c.Messages, untilTime(c.Until))
	case ByMembers:
		return fmt.Sprintf("%d messages wait%s: their recipients have had as many as WeCom delivers to one member", c.Messages, untilTime(c.Until))
	}
	return fmt.Sprintf("it is %s; %d messages wait%s", c.By, c.Messages, untilTime(c.Until))
}

func untilTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return until(at)
}

// lastCall says when a worker was last at work, if that is known.
func lastCall(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return ", since its last call at " + at.Local().Format("15:04 -07:00") //nolint:gosmopolitan // for whoever reads it here
}

// patience is how long messages wait before the app is checked for a worker.
const patience = 30 * time.Second

// findStuck finds out what keeps messages from being sent.
func (a *Inspector) findStuck(ctx context.Context, all []Status, states []pacing.Status, now time.Time) error {
	served := sync.OnceValues(func() (map[string]bool, error) { return a.served(ctx, now) })
	for i := range all {
		s := &all[i]
		switch {
		case s.State != pacing.Running:
			s.Stuck = append(s.Stuck, Cause{By: s.State, Messages: s.waiting(), Until: s.Until})
		case s.waitsForWorker():
			queues, err := served()
			if err != nil {
				return err
			}
			if n := s.unserved(queues); n > 0 {
				s.Stuck = append(s.Stuck, Cause{By: ByWorkers, Messages: n, LastCall: s.Minutes.LastCall(now)})
			}
		}
		s.Stuck = append(s.Stuck, s.held(now.Add(states[i].Midnight))...)
	}
	return nil
}

// held returns the limits that hold messages.
func (s *Status) held(midnight time.Time) (causes []Cause) {
	quota, members := Cause{By: ByQuota, Until: midnight.UTC().Truncate(time.Second)}, Cause{By: ByMembers}
	for _, q := range s.Queues {
		quota.Messages += q.Waits[limitQuota].Tasks
		members.Messages += q.Waits[limitMember].Tasks
		if last := q.Waits[limitMember].Last; last.After(members.Until) {
			members.Until = last
		}
	}
	if quota.Messages > 0 {
		causes = append(causes, quota)
	}
	if members.Messages > 0 {
		causes = append(causes, members)
	}
	return causes
}

// waiting counts due messages that are not sent.
func (s *Status) waiting() (n int) {
	for _, q := range s.Queues {
		n += q.Waiting + q.Held
	}
	return n
}

func (s *Status) waitsForWorker() bool {
	for _, q := range s.Queues {
		if q.Waiting > 0 && q.Oldest > patience {
			return true
		}
	}
	return false
}

// unserved counts messages in queues without a worker; nil means unknown.
func (s *Status) unserved(served map[string]bool) (n int) {
	for _, q := range s.Queues {
		if served != nil && !served[tasks.Queue(s.App, q.Priority)] {
			n += q.Waiting
		}
	}
	return n
}

// served returns the queues with a worker; nil if this host cannot tell, because asynq uses its clock.
func (a *Inspector) served(ctx context.Context, now time.Time) (map[string]bool, error) {
	redisNow, err := a.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("ask Redis for the time: %w", err)
	}
	if redisNow.Sub(now).Abs() > workersSkew {
		return nil, nil //nolint:nilnil // it is not known, and that is no error
	}
	return asynqx.Served(a.rdb)
}
