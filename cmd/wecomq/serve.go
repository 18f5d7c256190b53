package main

import (
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
)

func newServe(g *globals) *cobra.Command {
	var listen string
	var dev bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run gateway and worker in one process",
		Long: `Accepts messages over HTTP like 'wecomq gateway' and sends them like 'wecomq
worker', for all apps of the config. Any number may run.

--dev needs no config, no Redis and no WeCom account: it adds an embedded Redis, a
simulated WeCom and a random token, and prints how to use them. Nothing leaves this
machine, and all data is gone when the process ends.

SIGHUP reloads apps, limits and tokens; an invalid file changes nothing.`,
		Example: `  wecomq serve
  wecomq serve --dev`,
		Args:        arguments(cobra.NoArgs),
		Annotations: reloadsOnHangup(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dev {
				return g.serveDev(cmd.Context(), listen)
			}
			return g.serve(cmd.Context(), daemon.Config{Gateway: true, Worker: true, Listen: listen})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR` to listen on (default gateway.listen of the config, 127.0.0.1:8080)")
	cmd.Flags().BoolVar(&dev, "dev", false, "add an embedded Redis and a simulated WeCom, and ignore the config")
	return cmd
}
