package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/internal/printout"
)

func newCheck(g *globals) *cobra.Command {
	var online bool
	var ready string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the config, Redis and the apps' credentials",
		Long: `Checks the config, the version and settings of Redis, and with --online that every
app's secret, agent_id and trusted IP are right. Nothing is sent. Exits 2 when the
config is invalid, 1 when anything else is wrong.

With --ready it reads no config, and only asks a running wecomq whether it is ready:
a health check for containers without curl.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ready != "" && online {
				return usagef("--ready asks a running wecomq, and --online WeCom: use one of them")
			}
			if ready != "" {
				return askReady(cmd.Context(), ready)
			}
			return runCheck(cmd.Context(), g, online)
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "call gettoken and agent/get for every app")
	cmd.Flags().StringVar(&ready, "ready", "", "ask the wecomq that listens on `ADDR` whether it is ready, e.g. 127.0.0.1:8080 or https://gateway:8443")
	return cmd
}

// readyTime is how long a wecomq may take to report whether it is ready.
const readyTime = 5 * time.Second

// askReady fails unless the wecomq at an address is ready.
func askReady(ctx context.Context, address string) error {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/readyz", nil)
	if err != nil {
		return usagef("--ready: %q is neither host:port nor a URL", address)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("check: not ready: %s", bytes.TrimSpace(why))
	}
	return nil
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

// printFindings returns an error if one of them is an error.
func (g *globals) printFindings(findings []daemon.Finding) error {
	errs := 0
	for _, f := range findings {
		if f.Level == daemon.Fault {
			errs++
		}
		var err error
		if g.output == "json" {
			err = printout.JSON(g.stdout, f)
		} else {
			_, err = fmt.Fprintf(g.stdout, "%-8s %-12s %s\n", f.Level, f.Subject, locale.Reason(g.language(), f.Text))
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
