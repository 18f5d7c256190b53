package main

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/internal/sequence"
	"github.com/wecomq/wecomq/tasks"
)

// resultsFlags are the flags of `wecomq results`.
type resultsFlags struct {
	selection
	app    string
	format string
	follow bool
}

func newResults(g *globals) *cobra.Command {
	f := &resultsFlags{}
	cmd := &cobra.Command{
		Use:   "results",
		Short: "Search records, export or follow them",
		Long: `Lists or exports the records of all apps of the config, or of --app, oldest change
first within each app; memory use does not grow with their number. A message that
was split, or sent to some of its recipients later, has a line for each part.
Messages not attempted yet have no record: --state scheduled,queued,held,sending lists
them as well, before the records of the app and in reverse order of the queue. Messages
of a broadcast are in its report: 'wecomq broadcast ls --recipient USER' finds it.

--follow prints each message as it finishes, starting now or at --since, until
Ctrl-C; it survives an outage of Redis.`,
		Example: `  wecomq results --since 1h --state rejected,unknown
  wecomq results --since 2026-12-01T00:00:00+08:00 --until 24h --format csv > results.csv
  wecomq results --recipient zhangsan --format ndjson
  wecomq results --state scheduled
  wecomq results --follow`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query(cmd.Flags().Changed("errcode"), time.Now())
			if err != nil {
				return err
			}
			records, err := g.recordPrinter(f.format)
			if err != nil {
				return err
			}
			return runResults(cmd.Context(), g, f, query, records)
		},
	}
	lookAtApp(cmd, &f.app)
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "table, ndjson or csv (default table, ndjson with -o json)")
	flags.BoolVar(&f.follow, "follow", false, "print each message as it finishes, until Ctrl-C")
	return cmd
}

func runResults(ctx context.Context, g *globals, f *resultsFlags, query ledger.Query, records *printout.Records) error {
	open := slices.ContainsFunc(query.States, func(s tasks.State) bool { return !s.Final() })
	switch {
	case f.follow && !query.Until.IsZero():
		return usagef("--follow and --until: give one of them")
	case f.follow && open:
		return usagef("--follow shows messages as they finish: --state takes final states only")
	}
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	apps, err := appsOr(d, f.app)
	if err != nil {
		return err
	}
	var all []iter.Seq2[tasks.Record, error]
	if !f.follow {
		for _, app := range apps {
			if open { // before the records: a message attempted meanwhile appears twice rather than never
				all = append(all, d.Finder(app).Untried(ctx, query))
			}
			all = append(all, d.Ledger(app).Records(ctx, query))
		}
		return records.Print(sequence.OneByOne(all), false)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, app := range apps {
		all = append(all, d.Ledger(app).Tail(ctx, query))
	}
	return records.Print(sequence.ThroughOutages(ctx, sequence.AsTheyCome(all, cancel), g.tellOutage), true)
}
