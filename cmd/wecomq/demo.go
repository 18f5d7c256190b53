package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/demo"
	"github.com/wecomq/wecomq/internal/sandbox"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// demoPause is WeCom's penalty in the demo; in production it is a minute.
const demoPause = 2 * time.Second

func newDemo(g *globals) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try wecomq without Redis and without a WeCom account",
		Long: `Starts an embedded Redis, a simulated WeCom and a worker in this process, sends
every message type, a broadcast, and alerts that meet an invalid recipient, an
expired access token and a rate limit. Shows what arrives and the result of each
message. Nothing leaves this machine.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), g, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep running, and print how to send more; stop with Ctrl-C")
	return cmd
}

func runDemo(ctx context.Context, g *globals, keep bool) error {
	s, err := sandbox.New(ctx, wecomtest.Rules{Invisible: []string{demo.Absent}, Block: wecomtest.Duration(demoPause)})
	if err != nil {
		return err
	}
	defer s.Close()
	deployment, err := daemon.Open(ctx, s.Config, daemon.Options{Logger: g.logger("disabled", "console"), RatePause: demoPause})
	if err != nil {
		return err
	}
	defer deployment.Close()
	p, err := deployment.Producer(s.App())
	if err != nil {
		return err
	}
	worker, err := daemon.New(ctx, deployment, daemon.Config{Worker: true})
	if err != nil {
		return err
	}
	d := &demo.Demo{Out: g.stdout, Sim: s.Sim, Send: p.Send, Find: deployment.Finder(s.App()).Message}
	return serveSandbox(ctx, s, worker, func(ctx context.Context) error {
		if err := d.Show(ctx); err != nil || !keep {
			return err
		}
		_, _ = fmt.Fprintf(g.stdout, keepText, s.RedisURL(), s.URL(), wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret)
		<-ctx.Done()
		return nil
	})
}

// serveSandbox serves a simulated WeCom and a daemon while do runs.
func serveSandbox(ctx context.Context, s *sandbox.Sandbox, d *daemon.Daemon, do func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return daemon.ServeHTTP(groupCtx, s.Listener, s.Sim) })
	group.Go(func() error { return d.Run(groupCtx) })
	err := do(groupCtx)
	stop()
	return errors.Join(err, group.Wait())
}

// keepText says how to continue while the demo stays.
const keepText = `
The demo stays until Ctrl-C. In another terminal:

  export REDIS_URL=%s WECOM_API_BASE_URL=%[2]s
  export WECOM_CORP_ID=%s WECOM_AGENT_ID=%d WECOM_SECRET=%s

  wecomq send --to-user zhangsan --text hello --wait
  curl '%[2]s/admin/messages?limit=5'
`
