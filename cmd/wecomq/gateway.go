package main

import (
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
)

func newGateway(g *globals) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Accept messages over HTTP and enqueue them",
		Long: `Serves the REST API (documented at /docs), the WeCom-compatible API (/cgi-bin/…),
webhooks, pages, health and metrics. Any number of gateways may run. A gateway does
not send: also run 'wecomq worker', or run 'wecomq serve' instead of both.

Clients need a token from gateway.tokens in the config. SIGHUP reloads apps and
tokens; an invalid file changes nothing. SIGTERM or Ctrl-C lets open requests finish
and exits 0.`,
		Example: `  wecomq gateway
  wecomq gateway --listen 127.0.0.1:8080`,
		Args:        arguments(cobra.NoArgs),
		Annotations: reloadsOnHangup(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.serve(cmd.Context(), daemon.Config{Gateway: true, Listen: listen})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR` to listen on (default gateway.listen of the config, 127.0.0.1:8080)")
	return cmd
}
