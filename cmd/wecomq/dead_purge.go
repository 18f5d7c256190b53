package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/printout"
)

// purgeFlags are the flags of `wecomq dead purge`.
type purgeFlags struct {
	app       string
	olderThan time.Duration
	errCode   int64
}

func newDeadPurge(g *globals) *cobra.Command {
	f := &purgeFlags{}
	cmd := &cobra.Command{
		Use:   "purge --older-than D",
		Short: "Remove old dead letters from the list",
		Long: `Removes dead letters older than D from the list and from the asynq dashboard: they
can no longer be replayed. Their records are kept until they expire, so that a repeat
with the same idempotency key is not sent. Prints {"app","purged"}.`,
		Example: `  wecomq dead purge --older-than 72h
  wecomq dead purge --app ops --older-than 0s --errcode 81013`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := ledger.Query{}
			switch {
			case !cmd.Flags().Changed("older-than"):
				return usagef("dead purge: give --older-than, e.g. 72h, or 0s for all")
			case f.olderThan < 0:
				return usagef("--older-than: %s is negative", f.olderThan)
			case cmd.Flags().Changed("errcode"):
				query.ErrCode = &f.errCode
			}
			return runDeadPurge(cmd.Context(), g, f, query)
		},
	}
	flags := cmd.Flags()
	actOnApp(cmd, &f.app)
	flags.DurationVar(&f.olderThan, "older-than", 0, "only those that failed longer ago than this, e.g. 72h; 0s for all")
	flags.Int64Var(&f.errCode, "errcode", 0, "only those with this `ERRCODE`")
	return cmd
}

func runDeadPurge(ctx context.Context, g *globals, f *purgeFlags, query ledger.Query) error {
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx = acting(ctx, d)
	app, err := d.Config.App(f.app)
	if err != nil {
		return err
	}
	op, err := d.Operator(app)
	if err != nil {
		return err
	}
	now, err := d.Ledger(app).Now(ctx)
	if err != nil {
		return err
	}
	query.Until = now.Add(-f.olderThan)
	purged, err := op.Purge(ctx, query)
	if err != nil {
		return fmt.Errorf("purged: %d, then: %w", purged, err)
	}
	if g.output == "text" {
		_, err = fmt.Fprintf(g.stdout, "%s: %d dead letters purged\n", app.Name, purged)
		return err
	}
	return printout.JSON(g.stdout, struct {
		App    string `json:"app"`
		Purged int    `json:"purged"`
	}{app.Name, purged})
}
