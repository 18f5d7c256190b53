package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
)

func newCheck(g *globals) *cobra.Command {
	var online bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the config, Redis and the apps' credentials",
		Long: `Checks the config, the version and settings of Redis, and with --online that every
app's secret, agent_id and trusted IP are right. Nothing is sent. Exits 2 when the config is invalid, 1
when anything else is wrong.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCheck(cmd.Context(), g, online)
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "call gettoken and agent/get for every app")
	return cmd
}

func runCheck(ctx context.Context, g *globals, online bool) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	d, err := daemon.Open(ctx, cfg, daemon.Options{Logger: g.logger(cfg.Log.Level, cfg.Log.Format)})
	if err != nil {
		return err
	}
	defer d.Close()
	return g.printFindings(d.Check(ctx, online))
}

// printFindings fails when one of them is an error.
func (g *globals) printFindings(findings []daemon.Finding) error {
	errs := 0
	for _, f := range findings {
		if f.Level == daemon.Fault {
			errs++
		}
		var err error
		if g.output == "json" {
			err = printJSON(g.stdout, f)
		} else {
			_, err = fmt.Fprintf(g.stdout, "%-8s %-12s %s\n", f.Level, f.Subject, f.Text)
		}
		if err != nil {
			return err
		}
	}
	if errs > 0 {
		return fmt.Errorf("check: errors found: %d", errs)
	}
	return nil
}
