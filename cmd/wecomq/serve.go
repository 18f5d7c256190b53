package main

import (
	"context"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/config"
)

func newServe(g *globals) *cobra.Command {
	var listen string
	var dev bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Gateway and worker in one process",
		Long: `Takes messages by HTTP, as 'wecomq gateway' does, and sends them, as 'wecomq
worker' does, all apps of the config. Any number may run.

--dev needs no config, no Redis and no WeCom account: it adds an embedded Redis, a
simulated WeCom and a random token, and prints how to use them. Nothing leaves this
machine, and nothing outlives the process.

SIGHUP reads apps, limits and tokens again; an invalid file changes nothing.`,
		Example: `  wecomq serve
  wecomq serve --dev`,
		Args:        arguments(cobra.NoArgs),
		Annotations: reloadsOnHangup(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dev {
				return runDev(cmd.Context(), g, listen)
			}
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.close()
			return runServe(cmd.Context(), g, d, listen, g.loadConfig, nil)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR` to listen on (default gateway.listen of the config, 127.0.0.1:8080)")
	cmd.Flags().BoolVar(&dev, "dev", false, "add an embedded Redis and a simulated WeCom, and ignore the config")
	return cmd
}

// runServe runs a gateway and a worker. up, if there is one, is told the
// gateway's address before the first request.
func runServe(
	ctx context.Context, g *globals, d *deployment, listen string, load func() (*config.Config, error), up func(addr string),
) error {
	m := d.measure()
	front, err := newFront(ctx, d, m)
	if err != nil {
		return err
	}
	l, err := newLanes(d, nil, m)
	if err != nil {
		return err
	}
	listener, err := d.listen(ctx, listen)
	if err != nil {
		return err
	}
	if up != nil {
		up(listener.Addr().String())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return front.serve(ctx, listener) })
	group.Go(func() error { return l.run(ctx) })
	group.Go(func() error { return g.reloadOnHangup(ctx, d, load, front, l, m) })
	return group.Wait()
}
