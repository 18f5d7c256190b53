package apps

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
)

// Status is what operators see of an app.
type Status struct {
	App    string    `json:"app"`
	State  string    `json:"state" enum:"running,paused,penalty,suspended,unavailable"`
	Reason string    `json:"reason,omitempty"` // of a block, with what to do
	Until  time.Time `json:"until,omitzero"`   // when an app that is blocked is tried again
	// Stuck lists what keeps messages from being sent; empty if the app is working off its backlog.
	Stuck       []Cause `json:"stuck,omitempty"`
	Rate        Rate    `json:"rate"`
	Concurrency float64 `json:"concurrency"` // share of the configured calls in flight, lowered by 45033
	Quota       Quota   `json:"quota"`
	Backlog     Backlog `json:"backlog"`
	// WaitingSince is when the oldest waiting message was enqueued or due.
	WaitingSince time.Time `json:"waiting_since,omitzero"`
	// EndsAt is when the backlog will have been sent at the present rate; zero if nothing waits, or if
	// something stops the app.
	EndsAt   time.Time `json:"ends_at,omitzero"`
	LastHour Sum       `json:"last_hour"`
	Dead     int       `json:"dead"` // dead letters

	Queues  []Queue         `json:"-"` // the most urgent first
	Minutes ledger.LastHour `json:"-"` // of LastHour
	Audit   *audit.Result   `json:"-"` // the last one, nil if there was none within a day
}

// Rate is calls per minute.
type Rate struct {
	Configured int `json:"configured"`
	Effective  int `json:"effective"` // lowered by 45009, and growing back
}

// Quota counts recipients of the current day in China.
type Quota struct {
	Used  int   `json:"used"`
	Limit int   `json:"limit"`          // 0 when no seats are configured
	Left  *Left `json:"left,omitempty"` // nil when no seats are configured
}

// Left is how many recipients messages of each priority may still reach: part of the quota is reserved for
// critical ones.
type Left struct {
	Critical int `json:"critical"`
	Default  int `json:"default"`
	Bulk     int `json:"bulk"`
}

// Of is what is left for a priority.
func (l Left) Of(p tasks.Priority) int {
	return map[tasks.Priority]int{tasks.Critical: l.Critical, tasks.Default: l.Default, tasks.Bulk: l.Bulk}[p]
}

// Backlog is the number of waiting messages by priority: pending, scheduled and to be retried.
type Backlog struct {
	Critical int `json:"critical"`
	Default  int `json:"default"`
	Bulk     int `json:"bulk"`
}

// Sum is what an app has done.
type Sum struct {
	Calls  int `json:"calls"`  // to WeCom that have ended
	Failed int `json:"failed"` // messages that were rejected, are partial or unknown, or have expired
}

// Status inspects one app.
func (a *Inspector) Status(ctx context.Context, app string) (Status, error) {
	all, err := a.Statuses(ctx, app)
	if err != nil {
		return Status{}, err
	}
	return all[0], nil
}

// Statuses inspects apps, and returns them in this order. It takes five round trips for any number of apps,
// and one for each worker if messages wait for one.
func (a *Inspector) Statuses(ctx context.Context, apps ...string) ([]Status, error) {
	states, err := pacing.Look(ctx, a.rdb, apps...)
	if err != nil {
		return nil, err
	}
	queues, err := a.queues(ctx, apps)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	hours, err := ledger.LastHours(ctx, a.rdb, now, apps...)
	if err != nil {
		return nil, err
	}
	dead, err := a.countDead(ctx, now, apps)
	if err != nil {
		return nil, err
	}
	audits, err := audit.Last(ctx, a.rdb, apps...)
	if err != nil {
		return nil, err
	}
	all := make([]Status, len(apps))
	for i, app := range apps {
		all[i] = a.status(app, states[i], queues[i])
		all[i].Minutes, all[i].Dead, all[i].Audit = hours[i], dead[i], audits[i]
		all[i].LastHour = Sum(hours[i].Sum())
	}
	if err := a.findStuck(ctx, all, states, now); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].EndsAt = all[i].ending(now)
	}
	return all, nil
}

// readable is like [Inspector.Statuses], but leaves out apps that cannot be read and calls failed with the
// reason. It bisects on failure, so one bad app among a thousand costs twenty more reads.
func (a *Inspector) readable(ctx context.Context, apps []string, failed func(error)) []Status {
	all, err := a.Statuses(ctx, apps...)
	switch {
	case err == nil:
		return all
	case len(apps) == 1:
		failed(fmt.Errorf("app %s: %w", apps[0], err))
		return nil
	case a.rdb.Ping(ctx).Err() != nil: // it is no matter of an app
		failed(err)
		return nil
	}
	half := len(apps) / 2
	return append(a.readable(ctx, apps[:half], failed), a.readable(ctx, apps[half:], failed)...)
}

func (a *Inspector) status(app string, p pacing.Status, queues []Queue) Status {
	limits := a.apps[app].Limits
	s := Status{
		App: app, State: p.State, Reason: p.Reason, Concurrency: p.Concurrency, Queues: queues,
		Rate:    Rate{Configured: limits.CallsPerMinute, Effective: int(float64(limits.CallsPerMinute)*p.Rate + 0.5)},
		Quota:   quotaOf(limits, p.Used),
		Backlog: Backlog{queues[0].backlog(), queues[1].backlog(), queues[2].backlog()},
	}
	if p.Left > 0 {
		s.Until = time.Now().Add(p.Left).UTC().Truncate(time.Millisecond)
	}
	var paused []string // in the dashboard
	for _, q := range queues {
		if q.Oldest > 0 {
			s.WaitingSince = earlier(s.WaitingSince, time.Now().Add(-q.Oldest).UTC().Truncate(time.Millisecond))
		}
		if q.PausedByHand {
			paused = append(paused, string(q.Priority))
		}
	}
	if s.State == pacing.Running && len(paused) > 0 {
		s.State, s.Reason = pacing.Paused, "in the dashboard: "+strings.Join(paused, ", ")
	}
	return s
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func quotaOf(limits tasks.Limits, used int) Quota {
	q := Quota{Used: used, Limit: max(limits.DayQuota(tasks.Critical), 0)}
	if q.Limit == 0 {
		return q
	}
	left := func(p tasks.Priority) int { return max(limits.DayQuota(p)-used, 0) }
	q.Left = &Left{left(tasks.Critical), left(tasks.Default), left(tasks.Bulk)}
	return q
}

// countDead counts dead letters, in one round trip.
func (a *Inspector) countDead(ctx context.Context, now time.Time, apps []string) ([]int, error) {
	counts, replies := make([]int, len(apps)), make([]*redis.IntCmd, len(apps))
	_, err := a.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, app := range apps {
			since := strconv.FormatInt(now.Add(-a.apps[app].RecordTTL).UnixMilli(), 10)
			replies[i] = p.ZCount(ctx, keys.Dead(app), since, "+inf")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count the dead letters: %w", err)
	}
	for i, reply := range replies {
		counts[i] = int(reply.Val())
	}
	return counts, nil
}

// queues looks at the queues of apps, in one round trip.
func (a *Inspector) queues(ctx context.Context, apps []string) ([][]Queue, error) {
	priorities := tasks.Priorities()
	var names []string
	for _, app := range apps {
		names = append(names, queues(app)...)
	}
	looked, err := asynqx.Look(ctx, a.rdb, names...)
	if err != nil {
		return nil, err
	}
	all := make([][]Queue, len(apps))
	for i := range apps {
		for n, priority := range priorities {
			all[i] = append(all[i], queueOf(priority, looked[i*len(priorities)+n]))
		}
	}
	return all, nil
}
