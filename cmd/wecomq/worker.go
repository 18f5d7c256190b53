package main

import (
	"context"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func newWorker(g *globals) *cobra.Command {
	var apps []string
	var listen string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Send what is queued",
		Long: `Takes messages from the queues of all apps of the config, or of those named by
--apps, and sends them. Any number of workers may run, on any number of hosts.
SIGHUP reads the config again: an app that has changed goes on by its new settings
at once, while its calls in flight end by the old ones, and the others notice
nothing. An invalid file changes nothing.

SIGTERM or Ctrl-C: takes no new message, finishes the calls in flight, leaves the
rest in the queue and exits 0. A second signal exits at once.`,
		Example: `  wecomq worker
  wecomq worker --apps ops,hr --listen 127.0.0.1:9090`,
		Args:        arguments(cobra.NoArgs),
		Annotations: reloadsOnHangup(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.close()
			return runWorker(cmd.Context(), g, d, apps, listen)
		},
	}
	cmd.Flags().StringSliceVar(&apps, "apps", nil, "serve only these `APPS`, separated by commas")
	cmd.Flags().StringVar(&listen, "listen", "", "serve /healthz, /readyz and /metrics on `ADDR`, e.g. 127.0.0.1:9090")
	return cmd
}

func runWorker(ctx context.Context, g *globals, d *deployment, names []string, listen string) error {
	metrics := d.measure()
	l, err := newLanes(d, names, metrics)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	if listen != "" {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
		if err != nil {
			return usagef("--listen: %w", err)
		}
		d.log.Info().Stringer("addr", listener.Addr()).Msg("health and metrics")
		group.Go(func() error { return serveHTTP(ctx, listener, metrics.handler(d.ready)) })
	}
	group.Go(func() error { return l.run(ctx) })
	group.Go(func() error { return g.reloadOnHangup(ctx, d, g.loadConfig, l, metrics) })
	return group.Wait()
}
