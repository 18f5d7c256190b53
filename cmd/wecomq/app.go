package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/internal/printout"
)

func newApp(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "app",
		Short: "Inspect, pause, resume and forget apps",
		Args:  cobra.ArbitraryArgs, // so that we report an unknown command
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("app: unknown command %q; see 'wecomq app --help'", args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(
		newAppList(g),
		newAppSwitch(g, "pause", "Stop sending for an app until it is resumed",
			"Calls in flight finish. New messages wait in the queue, on all hosts.",
			(*apps.Inspector).Pause),
		newAppResume(g),
		newAppForget(g),
	)
	return cmd
}

func newAppResume(g *globals) *cobra.Command {
	var resetRate bool
	cmd := newAppSwitch(g, "resume", "Resume sending for an app at once",
		`Ends a pause, a penalty, a suspension or any other block: after a wrong setting is
fixed there is no need to wait for the next try.

A rate lowered by 45009 is not restored: it recovers by itself, and at the configured
rate WeCom might refuse the next calls as well. If the cause is gone, for instance
another program that sent for the same app, --reset-rate restores the rate at once, and
also the number of calls in flight that was lowered by 45033.`,
		func(apps *apps.Inspector, ctx context.Context, name string) error {
			if resetRate {
				if err := apps.ResetRate(ctx, name); err != nil {
					return err
				}
			}
			return apps.Resume(ctx, name)
		})
	cmd.Example += "\n  wecomq app resume --reset-rate ops"
	cmd.Flags().BoolVar(&resetRate, "reset-rate", false, "restore the configured calls per minute and in flight")
	return cmd
}

func newAppList(g *globals) *cobra.Command {
	var only string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "Show every app: state, why it is stuck, limits, quota and backlog",
		Long: `Shows the state of each app, which is the same for all workers. Stuck apps come first,
sorted by how long their messages have waited.

  STATE    running; paused manually; in a penalty after errcode 45009; suspended
           because a setting is wrong; or unavailable because WeCom does not answer.
           With the reason and the time of the next try
  RATE     current calls per minute, of those configured: it drops after 45009, and
           recovers by itself; 'wecomq app resume --reset-rate' restores it at once
  CALLS    current share of the configured calls in flight: it drops after 45033
  QUOTA    recipients reached today in China, of seats × 200
  LEFT     recipients that critical, default and bulk messages may still reach today
  BACKLOG  waiting messages: critical, default and bulk
  OLDEST   how long the oldest of them has waited since it was enqueued
  ENDS     when the waiting messages will have been sent at the current rate; - if the
           app is stopped for the REASON shown
  FAILED   messages that failed in the last hour: rejected, partial, unknown, expired
  DEAD     dead letters; see 'wecomq dead ls'

'wecomq token ls' shows the limits of tokens and their usage.`,
		Example: "  wecomq app ls\n  wecomq app ls --app ops -o json",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			return g.printApps(cmd.Context(), d, only)
		},
	}
	lookAtApp(cmd, &only)
	return cmd
}

func newAppSwitch(g *globals, verb, short, long string, do func(*apps.Inspector, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " APP…",
		Short:   short,
		Long:    long,
		Example: "  wecomq app " + verb + " ops",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			ctx, apps := acting(cmd.Context(), d), d.Inspector()
			for _, name := range names {
				if _, err := d.Config.App(name); err != nil {
					return err
				}
			}
			for _, name := range names {
				if err := do(apps, ctx, name); err != nil {
					return err
				}
				if err := g.printApp(ctx, apps, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (g *globals) printApps(ctx context.Context, d *daemon.Deployment, only string) error {
	names := d.Config.AppNames()
	if only != "" {
		if _, err := d.Config.App(only); err != nil {
			return err
		}
		names = []string{only}
	}
	all, err := d.Inspector().Statuses(ctx, names...)
	if err != nil {
		return err
	}
	if g.output == "json" {
		for _, s := range all {
			if err := printout.JSON(g.stdout, s); err != nil {
				return err
			}
		}
		return nil
	}
	slices.SortStableFunc(all, apps.CompareTrouble)
	now := time.Now()
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "APP\tSTATE\tRATE\tCALLS\tQUOTA\tLEFT\tBACKLOG\tOLDEST\tENDS\tFAILED\tDEAD\tREASON")
	for _, s := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d/%d\t%.0f%%\t%s\t%s\t%d %d %d\t%s\t%s\t%d\t%d\t%s\n", s.App, stateText(s), s.Rate.Effective, s.Rate.Configured,
			100*s.Concurrency, quotaText(s.Quota), leftText(s.Quota.Left), s.Backlog.Critical, s.Backlog.Default, s.Backlog.Bulk,
			ageText(s.WaitingSince, now), endText(s.EndsAt, now), s.LastHour.Failed, s.Dead, locale.Reason(g.language(), reasonText(s)))
	}
	return w.Flush()
}

func (g *globals) printApp(ctx context.Context, apps *apps.Inspector, name string) error {
	s, err := apps.Status(ctx, name)
	if err != nil {
		return err
	}
	if g.output == "json" {
		return printout.JSON(g.stdout, s)
	}
	_, err = fmt.Fprintln(g.stdout, strings.TrimRight(fmt.Sprintf("%s  %s  %s", s.App, stateText(s), slowText(s)), " "))
	return err
}

// reasonText says why an app does not send, or why it is slow.
func reasonText(s apps.Status) string {
	var reasons []string
	if s.Reason != "" {
		reasons = append(reasons, s.Reason)
	}
	for _, cause := range s.Stuck {
		if cause.By != s.State { // which STATE shows
			reasons = append(reasons, cause.String())
		}
	}
	if slow := slowText(s); slow != "" && s.Reason == "" {
		reasons = append(reasons, slow)
	}
	return strings.Join(reasons, "; ")
}

func leftText(left *apps.Left) string {
	if left == nil {
		return "-"
	}
	return fmt.Sprintf("%d %d %d", left.Critical, left.Default, left.Bulk)
}

// ageText says how long ago something began, "-" if it has not.
func ageText(since, now time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return shortDuration(now.Sub(since))
}

// endText says when something ends, "-" if unknown.
func endText(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return "in " + shortDuration(max(at.Sub(now), time.Second))
}

// shortDuration is a duration in its largest two units.
func shortDuration(d time.Duration) string {
	if d >= time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return secondsText(d)
}

// secondsText is a duration in whole seconds.
func secondsText(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}

// slowText describes an app that makes fewer calls a minute than configured.
func slowText(s apps.Status) string {
	if s.Rate.Effective >= s.Rate.Configured {
		return ""
	}
	return fmt.Sprintf("%d of %d calls a minute after 45009; it recovers by itself, or at once by "+
		"'wecomq app resume --reset-rate %s'", s.Rate.Effective, s.Rate.Configured, s.App)
}

// stateText adds when the app continues, if known.
func stateText(s apps.Status) string {
	if s.Until.IsZero() {
		return s.State
	}
	wait := time.Until(s.Until).Round(time.Second)
	if wait <= 0 {
		return s.State + ", next try now"
	}
	return s.State + ", next try in " + secondsText(wait)
}

func quotaText(q apps.Quota) string {
	if q.Limit == 0 {
		return strconv.Itoa(q.Used)
	}
	return fmt.Sprintf("%d/%d", q.Used, q.Limit)
}
