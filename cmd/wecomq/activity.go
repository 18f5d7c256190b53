package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/internal/sequence"
)

// activityFlags are the flags of `wecomq activity`.
type activityFlags struct {
	since, app, actor, action string
	limit                     int
	follow                    bool
}

func newActivity(g *globals) *cobra.Command {
	f := &activityFlags{}
	cmd := &cobra.Command{
		Use:   "activity",
		Short: "Show who did what",
		Long: `Shows what people and programs have done, oldest first: logins and logouts,
reloads and changed tokens, pauses, recalls, replays, purges, approvals, and buttons of
the dashboard. The actor is the name of a gateway token, user@host for a command, or the
host of a process that received a signal. -o json prints one line for each: {"at","actor",
"via","from","action","app","target","error"}. The error says why an action failed; it may
have been partly done. Redis keeps the newest ten thousand actions; gateways also write
their own to their logs, which may keep them longer.`,
		Example: `  wecomq activity --since 24h
  wecomq activity --action app --app ops -o json
  wecomq activity --follow`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query(time.Now())
			if err != nil {
				return err
			}
			return runActivity(cmd.Context(), g, f, query)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "", "only since this `TIME`: RFC 3339, or an age, e.g. 90m or 24h")
	flags.StringVar(&f.app, "app", "", "only actions on this `APP`")
	flags.StringVar(&f.actor, "actor", "", "only actions by this `ACTOR`")
	flags.StringVar(&f.action, "action", "", "only this `ACTION`, e.g. app.pause, or a group of actions, e.g. app")
	flags.IntVar(&f.limit, "limit", 100, "print only the newest `N`")
	flags.BoolVar(&f.follow, "follow", false, "print each action as it happens, starting now or at --since, until Ctrl-C")
	return cmd
}

func (f *activityFlags) query(now time.Time) (activity.Query, error) {
	query := activity.Query{App: f.app, Actor: f.actor}
	var err error
	if query.Since, err = moment("--since", f.since, now); err != nil {
		return query, err
	}
	if f.limit < 1 {
		return query, usagef("--limit: %d is less than 1", f.limit)
	}
	if f.action != "" {
		if query.Action, err = activity.ParseAction(f.action); err != nil {
			return query, usagef("--action: %w", err)
		}
	}
	return query, nil
}

func runActivity(ctx context.Context, g *globals, f *activityFlags, query activity.Query) error {
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := knownApp(ctx, d, f.app); err != nil {
		return err
	}
	if f.follow {
		return g.followActivity(ctx, d.Activity(), query)
	}
	acts, err := d.Activity().Newest(ctx, query, f.limit)
	if err != nil {
		return err
	}
	for _, act := range slices.Backward(acts) {
		if err := g.printAct(act); err != nil {
			return err
		}
	}
	return nil
}

// knownApp rejects an app that is neither in the config nor in the trail; one that has left the config may have
// a trail.
func knownApp(ctx context.Context, d *daemon.Deployment, name string) error {
	if name == "" {
		return nil
	}
	_, unknown := d.Config.App(name)
	if unknown == nil {
		return nil
	}
	acts, err := d.Activity().Newest(ctx, activity.Query{App: name}, 1)
	if err != nil || len(acts) > 0 {
		return err
	}
	return unknown
}

// followActivity survives an outage of Redis.
func (g *globals) followActivity(ctx context.Context, trail *activity.Trail, query activity.Query) error {
	for act, err := range sequence.ThroughOutages(ctx, trail.Follow(ctx, query), g.tellOutage) {
		if err == nil {
			err = g.printAct(act)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *globals) printAct(a activity.Act) error {
	if g.output == "json" {
		return printout.JSON(g.stdout, a)
	}
	line := fmt.Sprintf("%s  %-24s  %-18s  %s", a.At.Local().Format(time.DateTime), harmless.Line(a.Actor), a.Action,
		strings.TrimSpace(a.App+" "+harmless.Line(a.Target)))
	if a.From != "" {
		line += "  from " + a.From
	}
	if a.Error != "" {
		line += "  failed: " + harmless.Excerpt(a.Error)
	}
	_, err := fmt.Fprintln(g.stdout, line)
	return err
}
