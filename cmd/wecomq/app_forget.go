package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/tasks"
)

// forgetFlags are the flags of `wecomq app forget`.
type forgetFlags struct{ dryRun, force bool }

func newAppForget(g *globals) *cobra.Command {
	f := &forgetFlags{}
	cmd := &cobra.Command{
		Use:   "forget APP",
		Short: "Delete the data in Redis of an app that was removed from the config",
		Long: `Deletes the queues, records, dead letters, limits and tokens of an app that is no
longer in the config. It is refused while the app is in the config or a worker still
serves it, and, without --force, while messages wait. --dry-run only counts. With
-o json it prints {"app","keys","waiting","hosts","forgotten"}.`,
		Example: "  wecomq app forget --dry-run old\n  wecomq app forget old",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			return runAppForget(acting(cmd.Context(), d), g, d, f, names[0])
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "count, and delete nothing")
	cmd.Flags().BoolVar(&f.force, "force", false, "also delete messages that were not sent")
	return cmd
}

func runAppForget(ctx context.Context, g *globals, d *daemon.Deployment, f *forgetFlags, name string) error {
	if err := tasks.ValidateApp(name); err != nil {
		return &exitError{exitUsage, err}
	}
	if d.Config.Apps[name] != nil {
		return config.Errorf("app: %s is in the configuration; remove it there first, and reload the workers", name)
	}
	inspector := d.Inspector()
	left, err := inspector.Leftover(ctx, name)
	if err != nil {
		return err
	}
	if !f.dryRun {
		if err := left.MayForget(f.force); err != nil {
			return err
		}
		if left.Keys, err = inspector.Forget(ctx, name); err != nil {
			return fmt.Errorf("keys deleted: %d, then: %w", left.Keys, err)
		}
	}
	return g.printForgotten(left, !f.dryRun)
}

func (g *globals) printForgotten(left apps.Leftover, forgotten bool) error {
	if g.output == "json" {
		return printout.JSON(g.stdout, struct {
			apps.Leftover

			Forgotten bool `json:"forgotten"`
		}{left, forgotten})
	}
	verb := "would be deleted"
	if forgotten {
		verb = "deleted"
	}
	_, err := fmt.Fprintf(g.stdout, "%s  %d keys %s, messages waiting: %d\n", left.App, left.Keys, verb, left.Waiting)
	return err
}
