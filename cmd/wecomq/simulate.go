package main

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/sandbox"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func newSimulate(g *globals) *cobra.Command {
	var listen, rulesFile string
	var hosts []string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the simulator, which follows WeCom's published rules",
		Long: `Answers gettoken, message/send, message/recall, message/update_template_card and
media/upload as WeCom does, delivers nothing, and lists what arrived. To use it,
set an app's api_base_url, or the base URL of any other WeCom client, to its address.

The rules file (YAML or JSON) holds the members of GET /admin/rules, and faults, a
list of bodies for POST /admin/faults. Both can be changed while it runs:

  curl -d '{"api":"message/send","errcode":45009,"times":1}' http://127.0.0.1:8090/admin/faults
  curl 'http://127.0.0.1:8090/admin/messages?limit=10'

Pages of other sites cannot use /admin through a browser. /admin and the page are served
only under localhost and IP addresses; --host adds other names, such as that of a container.`,
		Example: `  wecomq simulate
  wecomq simulate --listen 127.0.0.1:8090 --rules rules.yaml`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			sim, err := sandbox.NewSimulator(rulesFile)
			if err != nil {
				return usagef("--rules: %w", err)
			}
			sim.Hosts = hosts
			return runSimulate(cmd.Context(), g, sim, listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "`ADDR` to listen on; it has no authentication, keep it on loopback")
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "serve the page and /admin under this host `NAME` too, in addition to localhost and IP addresses; * for any")
	cmd.Flags().StringVar(&rulesFile, "rules", "", "rules and faults from `FILE`, YAML or JSON")
	return cmd
}

func runSimulate(ctx context.Context, g *globals, sim *wecomtest.Simulator, listen string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return usagef("--listen: %w", err)
	}
	app := sim.Rules().Apps[0]
	_, _ = fmt.Fprintf(g.stderr, `WeCom simulator on http://%s

  api_base_url: http://%[1]s
  corp_id: %s
  agent_id: %d
  secret: %s

What arrived: http://%[1]s  (for programs: http://%[1]s/admin/messages)
`, listener.Addr(), app.CorpID, app.AgentID, app.Secret)
	return daemon.ServeHTTP(ctx, listener, sim)
}
