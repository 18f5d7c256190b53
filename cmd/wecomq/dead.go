package main

import (
	"context"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/internal/sequence"
	"github.com/wecomq/wecomq/tasks"
)

func newDead(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List, explain, replay and purge dead letters",
		Long: `Dead letters are messages that WeCom refused permanently, or whose attempts are used up
(rejected), and messages that WeCom may or may not have accepted (unknown). They are
kept as long as records (the app's setting records).`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q for \"wecomq dead\"%s; see 'wecomq dead --help'", args[0], suggestion(cmd, args[0]))
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newDeadList(g), newDeadShow(g), newDeadReplay(g), newDeadPurge(g))
	return cmd
}

// deadListFlags are the flags of `wecomq dead ls`.
type deadListFlags struct {
	selection
	app    string
	format string
}

func newDeadList(g *globals) *cobra.Command {
	f := &deadListFlags{}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List dead letters, oldest first within each app",
		Long: `Lists the dead letters of all apps of the config, or of --app, oldest first within
each app, without those that were replayed or purged. A message in parts has a line
for each part that failed. After a table, stderr shows the number of messages for each
errcode, and the command that replays only those.`,
		Example: `  wecomq dead ls
  wecomq dead ls --app ops --errcode 81013 --since 24h
  wecomq dead ls --state unknown --format ndjson`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query(cmd.Flags().Changed("errcode"), time.Now())
			if err != nil {
				return err
			}
			for _, state := range query.States {
				if state != tasks.Rejected && state != tasks.Unknown {
					return usagef("--state: a dead letter is rejected or unknown, not %s", state)
				}
			}
			records, err := g.recordPrinter(f.format)
			if err != nil {
				return err
			}
			records.SumUp(g.stderr, query)
			return runDeadList(cmd.Context(), g, f.app, query, records)
		},
	}
	lookAtApp(cmd, &f.app)
	f.register(cmd)
	cmd.Flags().StringVar(&f.format, "format", "", "table, ndjson or csv (default table, ndjson with -o json)")
	return cmd
}

func runDeadList(ctx context.Context, g *globals, only string, query ledger.Query, records *printout.Records) error {
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	apps, err := appsOr(d, only)
	if err != nil {
		return err
	}
	all := make([]iter.Seq2[tasks.Record, error], len(apps))
	for i, app := range apps {
		all[i] = d.Ledger(app).DeadLetters(ctx, query)
	}
	return records.Print(sequence.OneByOne(all), false)
}
