package pacing

import (
	"context"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// breaker says after how many unanswered calls an app is blocked, and for how long.
type breaker struct {
	calls          int // without an answer, in a row
	first, longest time.Duration
}

// breakers are short, so that an alert goes out within seconds once WeCom is back. A call that may have arrived
// blocks for longer: the next one may be a duplicate.
var breakers = map[tasks.FindingKind]breaker{
	tasks.Unreachable: {calls: 3, first: time.Second, longest: 10 * time.Second},
	tasks.Unanswered:  {calls: 5, first: 5 * time.Second, longest: 30 * time.Second},
}

// countsByName reports whether admit.lua has recorded the message for each of its users. A call of a broadcast
// counts once, for everybody, unless WeCom may have had it before.
func countsByName(f tasks.Finding) bool {
	call, ok := tasks.ParseBroadcastCall(f.Request.Payload.ID)
	return !ok || call.FollowUp != "" || f.Admission.InDoubt > 0
}

// Report records, for all workers, what WeCom's answer means for the app, and returns the resulting block, if any.
func (p *Pacer) Report(ctx context.Context, f tasks.Finding) (tasks.Block, error) {
	args := []any{p.now(), string(f.Kind)}
	switch f.Kind {
	case tasks.RateLimited:
		args = append(args, p.cfg.Penalty.Milliseconds(), f.Reason)
	case tasks.Misconfigured:
		args = append(args, f.BlockedFor.Milliseconds(), f.Reason)
	case tasks.Refund:
		args = append(args, len(f.Request.Users)+p.unlisted(f.Request), f.Admission.At)
		if countsByName(f) {
			args = appendUsers(args, f.Request.Users)
		}
	case tasks.Late:
		args = append(args, milliseconds(min(f.Took, tasks.MaxLateness)))
	case tasks.Recovered, tasks.Inconclusive:
		args = append(args, f.Request.Delivery)
	case tasks.Unreachable, tasks.Unanswered:
		b := breakers[f.Kind]
		args = append(args, f.Request.Delivery, f.Reason, b.calls, b.first.Milliseconds(), b.longest.Milliseconds(), max(f.BlockedFor, 0).Milliseconds())
	case tasks.Answered, tasks.TooManyInFlight:
	}
	reply, err := reportScript.Run(ctx, p.rdb, []string{
		keys.Pace(p.cfg.App), keys.Quota(p.cfg.App, ""), keys.Window(p.cfg.App, ""),
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
