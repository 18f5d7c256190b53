// Package apps shows and steers the apps as operators see them: the limits'
// view of an app together with its queues.
package apps

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
)

// Inspector inspects, pauses and resumes the apps of a deployment.
type Inspector struct {
	rdb    redis.UniversalClient
	tokens map[string]Tokens
	limits map[string]tasks.Limits
}

// New gives a collection without apps; see [Inspector.Add].
func New(rdb redis.UniversalClient) *Inspector {
	return &Inspector{rdb: rdb, limits: map[string]tasks.Limits{}, tokens: map[string]Tokens{}}
}

// Tokens is where the workers keep an app's access token.
type Tokens interface {
	// Forgive ends the wait after a failed gettoken.
	Forgive(ctx context.Context) error
}

// Add makes an app known, with the limits of its config. Without tokens, Resume does
// not end the wait after a failed gettoken.
func (a *Inspector) Add(app string, limits tasks.Limits, tokens Tokens) {
	a.limits[app] = limits
	if tokens != nil {
		a.tokens[app] = tokens
	}
}

// Status is what operators see of an app.
type Status struct {
	App         string    `json:"app"`
	State       string    `json:"state"`            // running, paused, penalty, suspended or unavailable
	Reason      string    `json:"reason,omitempty"` // of a block, with what to do
	Until       time.Time `json:"until,omitzero"`   // when an app that is blocked is tried again
	Rate        Rate      `json:"rate"`
	Concurrency float64   `json:"concurrency"` // share of the configured calls in flight, lowered by 45033
	Quota       Quota     `json:"quota"`
	Backlog     Backlog   `json:"backlog"`
}

// Rate is calls per minute.
type Rate struct {
	Configured int `json:"configured"`
	Effective  int `json:"effective"` // lowered by 45009, and growing back
}

// Quota is recipients in the current day of China.
type Quota struct {
	Used  int `json:"used"`
	Limit int `json:"limit"` // 0 when no seats are configured
}

// Backlog is the number of messages that wait, by priority: pending, scheduled and
// to be tried again.
type Backlog struct {
	Critical int `json:"critical"`
	Default  int `json:"default"`
	Bulk     int `json:"bulk"`
}

// Status looks at one app.
func (a *Inspector) Status(ctx context.Context, app string) (Status, error) {
	limits := a.limits[app]
	p, err := a.pacer(app).Status(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{
		App: app, State: p.State, Reason: p.Reason, Concurrency: p.Concurrency,
		Rate:  Rate{Configured: limits.CallsPerMinute, Effective: int(float64(limits.CallsPerMinute)*p.Rate + 0.5)},
		Quota: Quota{Used: p.Used, Limit: max(limits.DayQuota(tasks.Critical), 0)},
	}
	if p.Left > 0 {
		s.Until = time.Now().Add(p.Left).UTC().Truncate(time.Millisecond)
	}
	for priority, count := range map[tasks.Priority]*int{
		tasks.Critical: &s.Backlog.Critical, tasks.Default: &s.Backlog.Default, tasks.Bulk: &s.Backlog.Bulk,
	} {
		sizes, err := asynqx.Sizes(ctx, a.rdb, tasks.Queue(app, priority), "pending", "scheduled", "retry")
		if err != nil {
			return Status{}, err
		}
		*count = sizes[0] + sizes[1] + sizes[2]
	}
	return a.withPausedQueues(ctx, s)
}

// LastAudit is the last audit of an app, nil if there was none within a day.
func (a *Inspector) LastAudit(ctx context.Context, app string) (*audit.Result, error) {
	return audit.Last(ctx, a.rdb, app)
}

// withPausedQueues tells of queues that somebody has paused in the dashboard.
func (a *Inspector) withPausedQueues(ctx context.Context, s Status) (Status, error) {
	if s.State != pacing.Running {
		return s, nil
	}
	var paused []string
	for _, priority := range tasks.Priorities() {
		left, err := asynqx.PauseLeft(ctx, a.rdb, tasks.Queue(s.App, priority))
		if err != nil {
			return s, err
		}
		if left == asynqx.PausedByHand {
			paused = append(paused, string(priority))
		}
	}
	if len(paused) > 0 {
		s.State, s.Reason = pacing.Paused, "in the dashboard: "+strings.Join(paused, ", ")
	}
	return s, nil
}

// Pause stops an app on all hosts: its queues, and the messages in the workers'
// hands.
func (a *Inspector) Pause(ctx context.Context, app string) (err error) {
	defer func() { activity.Record(ctx, activity.PauseApp, app, "", err) }()
	if err := a.pacer(app).Pause(ctx); err != nil {
		return err
	}
	return a.eachQueue(ctx, app, asynqx.Pause)
}

// Resume ends whatever stops an app: a pause, here or in the dashboard, a penalty, a
// suspension, the wait after a failed gettoken.
func (a *Inspector) Resume(ctx context.Context, app string) (err error) {
	defer func() { activity.Record(ctx, activity.ResumeApp, app, "", err) }()
	if tokens, ok := a.tokens[app]; ok {
		if err := tokens.Forgive(ctx); err != nil {
			return err
		}
	}
	if err := a.pacer(app).Resume(ctx); err != nil {
		return err
	}
	return a.eachQueue(ctx, app, asynqx.Unpause)
}

// ResetRate gives an app back the calls per minute, and at once, that 45009 and 45033
// took from it.
func (a *Inspector) ResetRate(ctx context.Context, app string) error {
	err := a.pacer(app).ResetRate(ctx)
	activity.Record(ctx, activity.ResetRate, app, "", err)
	return err
}

func (a *Inspector) eachQueue(ctx context.Context, app string, do func(context.Context, redis.UniversalClient, string) error) error {
	for _, queue := range queues(app) {
		if err := do(ctx, a.rdb, queue); err != nil {
			return err
		}
	}
	return nil
}

func (a *Inspector) pacer(app string) *pacing.Pacer {
	return pacing.New(a.rdb, pacing.Config{App: app, Limits: a.limits[app]})
}
