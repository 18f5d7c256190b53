// Package apps shows and controls apps: their limits together with their queues.
package apps

import (
	"cmp"
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
)

// Inspector inspects, pauses and resumes the apps of a deployment.
type Inspector struct {
	rdb  redis.UniversalClient
	apps map[string]App
}

// App is an app of the config.
type App struct {
	Name   string
	Limits tasks.Limits
	// Tokens may be nil: then Resume does not end the wait after a failed gettoken.
	Tokens Tokens
	// RecordTTL is how long dead letters are kept; 0 for [tasks.DefaultRecordTTL].
	RecordTTL time.Duration
}

// New returns an inspector without apps; see [Inspector.Add].
func New(rdb redis.UniversalClient) *Inspector {
	return &Inspector{rdb: rdb, apps: map[string]App{}}
}

// Tokens is the store of an app's access token.
type Tokens interface {
	// Forgive ends the wait after a failed gettoken.
	Forgive(ctx context.Context) error
}

// Add makes an app known.
func (a *Inspector) Add(app App) {
	app.RecordTTL = cmp.Or(app.RecordTTL, tasks.DefaultRecordTTL)
	a.apps[app.Name] = app
}

// Pause stops an app on all hosts: its queues, and the messages that workers have dequeued.
func (a *Inspector) Pause(ctx context.Context, app string) (err error) {
	defer func() { activity.Record(ctx, activity.PauseApp, app, "", err) }()
	if err := a.pacer(app).Pause(ctx); err != nil {
		return err
	}
	return a.eachQueue(ctx, app, asynqx.Pause)
}

// Resume ends everything that stops an app: a pause, here or in the dashboard, a penalty, a suspension, the
// wait after a failed gettoken.
func (a *Inspector) Resume(ctx context.Context, app string) (err error) {
	defer func() { activity.Record(ctx, activity.ResumeApp, app, "", err) }()
	if tokens := a.apps[app].Tokens; tokens != nil {
		if err := tokens.Forgive(ctx); err != nil {
			return err
		}
	}
	if err := a.pacer(app).Resume(ctx); err != nil {
		return err
	}
	return a.eachQueue(ctx, app, asynqx.Unpause)
}

// ResetRate restores the rate and the concurrency that 45009 and 45033 lowered.
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
	return pacing.New(a.rdb, pacing.Config{App: app, Limits: a.apps[app].Limits})
}
