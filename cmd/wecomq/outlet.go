package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/producer"
)

// outlet is an app that messages are sent with.
type outlet struct {
	app, agentID string
	producer     *producer.Producer // nil for a dry run
	attacher     attacher
}

// outlets are the apps of one `wecomq send`, each opened when a message is for it.
type outlets struct {
	only   string // that sends all; "" if each message has to name its own
	config *config.Config
	// deployment is nil for a dry run.
	deployment *daemon.Deployment
	opened     map[string]*outlet
}

// newOutlets takes the app of --app, "" for the only one of the config.
func newOutlets(cfg *config.Config, d *daemon.Deployment, only string) (*outlets, error) {
	if only != "" || len(cfg.Apps) == 1 {
		app, err := cfg.App(only)
		if err != nil {
			return nil, err
		}
		only = app.Name
	}
	return &outlets{only: only, config: cfg, deployment: d, opened: map[string]*outlet{}}, nil
}

// of is the outlet of a message that names this app, or none.
func (o *outlets) of(name string) (*outlet, error) {
	if name != "" && o.only != "" && name != o.only {
		return nil, fmt.Errorf("app: %q, but this is app %q; leave app out or choose it with --app", name, o.only)
	}
	name = cmp.Or(name, o.only)
	if opened := o.opened[name]; opened != nil {
		return opened, nil
	}
	app, err := o.config.App(name)
	if err != nil {
		return nil, err
	}
	opened := &outlet{app: app.Name, agentID: app.AgentID}
	if o.deployment != nil {
		if opened.producer, err = o.deployment.Producer(app); err != nil {
			return nil, err
		}
		opened.attacher.store = o.deployment.Media(app)
	}
	o.opened[name] = opened
	return opened, nil
}

// accept checks messages, and keeps their files.
func (o *outlets) accept(ctx context.Context) func(app string, m producer.Message) (*outlet, producer.Message, error) {
	return func(app string, m producer.Message) (*outlet, producer.Message, error) {
		outlet, err := o.of(app)
		if err != nil {
			return nil, m, err
		}
		if err := checkAgent(m.Request, outlet.agentID); err != nil {
			return nil, m, &exitError{exitUsage, err}
		}
		m, err = outlet.attacher.attach(ctx, m)
		return outlet, m, err
	}
}
