package main

import (
	"context"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
)

// open loads the config and checks that Redis answers.
func (g *globals) open(ctx context.Context) (*daemon.Deployment, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	d, err := daemon.Open(ctx, cfg, g.options(cfg.Log.Level, cfg.Log.Format))
	if err != nil {
		return nil, err
	}
	if err := d.Ping(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// options are those of a process that traces, and logs in this form unless flags set another.
func (g *globals) options(level, format string) daemon.Options {
	return daemon.Options{Logger: g.logger(level, format), Version: buildVersion(), LookupEnv: g.lookupEnv}
}

func (g *globals) loadConfig() (*config.Config, error) { return config.Load(g.configPath, g.lookupEnv) }

// serve runs a gateway, a worker or both until ctx ends.
func (g *globals) serve(ctx context.Context, cfg daemon.Config) error {
	deployment, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer deployment.Close()
	cfg.Hangup, cfg.Load = g.hangup, g.loadConfig
	d, err := daemon.New(ctx, deployment, cfg)
	if err != nil {
		return err
	}
	return d.Run(ctx)
}
