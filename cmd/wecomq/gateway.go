package main

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/gateway"
)

func newGateway(g *globals) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Take messages by HTTP, for workers to send",
		Long: `Serves the REST API (GET /docs lists it), the address that speaks like WeCom's
own (/cgi-bin/…), health and metrics. Any number of gateways may run. It sends
nothing itself: run 'wecomq worker' beside it, or 'wecomq serve' instead of both.

Clients need a token of gateway.tokens in the config. SIGHUP reads apps and tokens
again; an invalid file changes nothing. SIGTERM or Ctrl-C: lets the requests under
way finish and exits 0.`,
		Example: `  wecomq gateway
  wecomq gateway --listen 127.0.0.1:8080`,
		Args:        arguments(cobra.NoArgs),
		Annotations: reloadsOnHangup(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.close()
			return runGateway(cmd.Context(), g, d, listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR` to listen on (default gateway.listen of the config, 127.0.0.1:8080)")
	return cmd
}

func runGateway(ctx context.Context, g *globals, d *deployment, listen string) error {
	m := d.measure()
	front, err := newFront(ctx, d, m)
	if err != nil {
		return err
	}
	listener, err := d.listen(ctx, listen)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return front.serve(ctx, listener) })
	group.Go(func() error { return g.reloadOnHangup(ctx, d, g.loadConfig, front, m) })
	return group.Wait()
}

// listen opens the gateway's address: that of the flag, or of the config.
func (d *deployment) listen(ctx context.Context, flag string) (net.Listener, error) {
	addr := flag
	if addr == "" {
		addr = d.cfg.Gateway.Listen
	}
	if addr == "" { // a config that stands in the environment has no gateway
		addr = "127.0.0.1:8080"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, usagef("--listen: %w", err)
	}
	d.log.Info().Stringer("addr", listener.Addr()).Int("tokens", len(d.cfg.Gateway.Tokens)).Msg("gateway is up")
	if len(d.cfg.Gateway.Tokens) == 0 {
		d.log.Warn().Msg("gateway.tokens is empty: every call of the API is answered 401")
	}
	return listener, nil
}

// front is a gateway and what it passes requests on to.
type front struct {
	*gateway.Gateway

	backends *backends
	webhooks *webhooks
	sites    *sites
}

func newFront(ctx context.Context, d *deployment, m *metrics) (*front, error) {
	b := &backends{}
	apply, settings, err := b.load(d)
	if err != nil {
		return nil, err
	}
	apply()
	hooks, err := newWebhooks(d, b)
	if err != nil {
		return nil, err
	}
	browser, err := newSites(d)
	if err != nil {
		return nil, err
	}
	g, err := gateway.New(gateway.Config{ //nolint:contextcheck // requests bring their own
		Services: gateway.Services{
			Queue: b, Records: b, Canceller: b, Recaller: b, Replayer: b, Apps: b, Ready: d.ready,
		},
		Settings: settings,
		Routes:   slices.Concat(hooks.routes(), browser.routes(), []gateway.Route{{Pattern: "GET /metrics", Handler: m.exposition()}}),
		Stopping: ctx.Done(), Logger: d.log, Version: buildVersion(), TracerProvider: d.traces.provider(),
	})
	if err != nil {
		return nil, err
	}
	browser.gateway.Store(g)
	return &front{Gateway: g, backends: b, webhooks: hooks, sites: browser}, nil
}

// prepare makes the gateway ready to go on with another config.
func (f *front) prepare(d *deployment) (apply func(), err error) {
	swap, settings, err := f.backends.load(d)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	swapHooks, err := f.webhooks.load(d)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	swapSites, err := f.sites.load(d)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return func() {
		swap()
		swapHooks()
		swapSites()
		f.Reload(settings)
	}, nil
}

// serve answers requests and sends digests until ctx ends.
func (f *front) serve(ctx context.Context, listener net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(ctx, listener, f) })
	group.Go(func() error { return f.webhooks.run(ctx) })
	return group.Wait()
}
