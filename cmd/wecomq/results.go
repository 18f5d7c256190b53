package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
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
Messages that have not been tried yet have no record: --state scheduled,queued,held,sending
lists them as well, first of each app, the last in its queue first. Those of a broadcast
are in its report: 'wecomq broadcast ls --recipient USER' finds it.

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
			w, err := newRecordWriter(g, f.format)
			if err != nil {
				return err
			}
			return runResults(cmd.Context(), g, f, query, w)
		},
	}
	lookAtApp(cmd, &f.app)
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "table, ndjson or csv (default table, ndjson with -o json)")
	flags.BoolVar(&f.follow, "follow", false, "print each message as it finishes, until Ctrl-C")
	return cmd
}

func runResults(ctx context.Context, g *globals, f *resultsFlags, query ledger.Query, w recordWriter) error {
	open := slices.ContainsFunc(query.States, func(s tasks.State) bool { return !s.Final() })
	switch {
	case f.follow && !query.Until.IsZero():
		return usagef("--follow and --until: give one of them")
	case f.follow && open:
		return usagef("--follow shows messages as they finish: --state takes the states in which they end")
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
			if open { // before the records: what is tried meanwhile comes twice rather than never
				all = append(all, d.Finder(app).Untried(ctx, query))
			}
			all = append(all, d.Ledger(app).Records(ctx, query))
		}
		return writeRecords(w, oneByOne(all), false)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, app := range apps {
		all = append(all, d.Ledger(app).Tail(ctx, query))
	}
	return writeRecords(w, retryThroughOutage(ctx, g, asTheyCome(all, cancel)), true)
}

// outageStep is the time between two attempts to reach an unavailable Redis.
const outageStep = 500 * time.Millisecond

// retryThroughOutage leaves the outages of Redis out of a list that goes on after them, and
// says once of each that there is one.
func retryThroughOutage[T any](ctx context.Context, g *globals, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		away := false
		for one, err := range all {
			if !asynqx.IsOutage(err) {
				away = false
				if !yield(one, err) {
					return
				}
				continue
			}
			if !away {
				away = true
				_, _ = fmt.Fprintf(g.stderr, "Redis is unavailable (%v); what happens meanwhile follows when it has recovered\n", err)
			}
			select {
			case <-time.After(outageStep):
			case <-ctx.Done():
			}
		}
	}
}

// writeRecords shows records one by one; live ones are shown at once.
func writeRecords(w recordWriter, records iter.Seq2[tasks.Record, error], live bool) error {
	show := func(err error) error {
		if err == nil && live {
			return w.flush()
		}
		return err
	}
	if err := show(w.begin()); err != nil {
		return err
	}
	for record, err := range records {
		if err != nil {
			_ = w.flush() // what was read is worth showing
			return err
		}
		if err := show(w.write(record)); err != nil {
			return err
		}
	}
	return w.flush()
}
