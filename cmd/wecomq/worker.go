package main

import (
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
)

func newWorker(g *globals) *cobra.Command {
	var apps []string
	var listen string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Send queued messages",
		Long: `Takes messages from the queues of all apps of the config, or of those named by
--apps, and sends them. Any number of workers may run, on any number of hosts.
SIGHUP reloads the config: an app with changed settings uses them at once, while its
calls in flight finish with the old ones; other apps are not affected. An invalid
file changes nothing.

SIGTERM or Ctrl-C: dequeues no more messages, finishes the calls in flight, leaves the
rest in the queue and exits 0. A second signal exits at once.`,
		Example: `  wecomq worker
  wecomq worker --apps ops,hr --listen 127.0.0.1:9090`,
		Args:        arguments(cobra.NoArgs),
		Annotations: reloadsOnHangup(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.serve(cmd.Context(), daemon.Config{Worker: true, Apps: apps, Listen: listen})
		},
	}
	cmd.Flags().StringSliceVar(&apps, "apps", nil, "serve only these `APPS`, separated by commas")
	cmd.Flags().StringVar(&listen, "listen", "", "serve /healthz, /readyz and /metrics on `ADDR`, e.g. 127.0.0.1:9090")
	return cmd
}
