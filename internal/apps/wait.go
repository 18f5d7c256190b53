package apps

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
)

// workersSkew is how wrong this host's clock may be for asynq's list of workers to be usable.
const workersSkew = 5 * time.Second

// Wait is why a message has not been sent yet.
type Wait struct {
	Why  string // and what to do about it; "" if nothing keeps it
	Till string // when that ends, " until …"; "" if that is not known
}

// WhyWaits says why a message has not been sent yet.
func (a *Inspector) WhyWaits(ctx context.Context, r tasks.Record) (Wait, error) {
	switch r.State {
	case tasks.Scheduled:
		return Wait{Why: "it is due at " + r.ProcessAt.Local().Format("2006-01-02 15:04:05 -07:00")}, nil //nolint:gosmopolitan // for whoever reads it here
	case tasks.Queued, tasks.Held:
	default:
		return Wait{}, nil
	}
	p, err := a.pacer(r.App).Status(ctx)
	if err != nil {
		return Wait{}, err
	}
	switch {
	case p.State != pacing.Running:
		return stopped(r.App, p), nil
	case r.State == tasks.Held:
		return held(r), nil
	}
	return a.unserved(ctx, r.App)
}

func stopped(app string, p pacing.Status) Wait {
	w := Wait{Why: fmt.Sprintf("app %s is in state %s", app, p.State)}
	if p.Reason != "" {
		w.Why += ": " + p.Reason
	}
	if p.State == pacing.Paused {
		w.Why += fmt.Sprintf("; 'wecomq app resume %s' resumes it", app)
	}
	if p.Left > 0 {
		w.Till = until(time.Now().Add(p.Left))
	}
	return w
}

func held(r tasks.Record) Wait {
	w := Wait{Why: r.ErrMsg}
	if !r.TurnAt.IsZero() {
		w.Till = until(r.TurnAt)
	}
	return w
}

// until names a time of day and its zone.
func until(at time.Time) string { return " until " + at.Local().Format("15:04:05 -07:00") } //nolint:gosmopolitan // for whoever reads it here

// unserved reports whether no worker serves an app, as far as this host can tell.
func (a *Inspector) unserved(ctx context.Context, app string) (Wait, error) {
	now := time.Now()
	served, err := a.served(ctx, now)
	if served == nil || slices.ContainsFunc(queues(app), func(queue string) bool { return served[queue] }) {
		return Wait{}, err
	}
	hours, err := ledger.LastHours(ctx, a.rdb, now, app)
	if err != nil {
		return Wait{}, err
	}
	return Wait{Why: fmt.Sprintf("no worker is known to serve app %s%s; start one with 'wecomq worker'", app, lastCall(hours[0].LastCall(now)))}, nil
}
