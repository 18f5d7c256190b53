package pacing

import (
	"context"
	"fmt"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// Report notes, for all workers, what an answer of WeCom says about the app, and
// returns the block of the app that follows from it, if any.
func (p *Pacer) Report(ctx context.Context, f tasks.Finding) (tasks.Block, error) {
	args := []any{p.now(), string(f.Kind)}
	switch f.Kind {
	case tasks.RateLimited:
		args = append(args, p.cfg.Penalty.Milliseconds(), f.Reason)
	case tasks.Misconfigured:
		args = append(args, f.Rest.Milliseconds(), f.Reason)
	case tasks.Refund:
		args = append(args, len(f.Request.Users)+p.unlisted(f.Request), f.Admission.At)
		args = appendUsers(args, f.Request.Users)
	case tasks.Recovered, tasks.Inconclusive:
		args = append(args, f.Request.Delivery)
	case tasks.TooManyInFlight:
	}
	reply, err := reportScript.Run(ctx, p.rdb, []string{
		keys.Pace(p.cfg.App), keys.Quota(p.cfg.App, ""), keys.Sent(p.cfg.App, ""),
	}, args...).StringSlice()
	if err != nil {
		return tasks.Block{}, fmt.Errorf("note %s of app %s: %w", f.Kind, p.cfg.App, err)
	}
	if len(reply) != 2 {
		return tasks.Block{}, fmt.Errorf("report.lua replied %q", reply)
	}
	left, err := duration(reply[1])
	return tasks.Block{Fresh: reply[0] == "1", Left: left}, err
}
