package main

import (
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
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
			return g.serve(cmd.Context(), daemon.Config{Gateway: true, Listen: listen})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR` to listen on (default gateway.listen of the config, 127.0.0.1:8080)")
	return cmd
}
