package apps

import (
	"context"
	"fmt"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
)

// WhyWaits says why a message has not been sent yet and what to do about it, "" if nothing
// keeps it: its turn comes.
func (a *Inspector) WhyWaits(ctx context.Context, r tasks.Record) (string, error) {
	switch r.State {
	case tasks.Scheduled:
		return "it is scheduled for later", nil
	case tasks.Queued, tasks.Held:
	default:
		return "", nil
	}
	hosts, err := asynqx.Hosts(a.rdb, queues(r.App)...)
	if err != nil {
		return "", err
	}
	if len(hosts) == 0 {
		return fmt.Sprintf("no worker serves app %s; start one with 'wecomq worker'", r.App), nil
	}
	s, err := a.Status(ctx, r.App)
	if err != nil {
		return "", err
	}
	if s.State != pacing.Running {
		return s.why(), nil
	}
	return r.ErrMsg, nil
}

// why says why an app does not send.
func (s Status) why() string {
	text := fmt.Sprintf("app %s is in state %s", s.App, s.State)
	if !s.Until.IsZero() {
		text += " until " + s.Until.Local().Format("15:04:05 -07:00")
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}
