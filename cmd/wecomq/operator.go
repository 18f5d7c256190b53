package main

import (
	"fmt"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// operator cancels, recalls, replays and purges the messages of an app.
func (d *deployment) operator(app *config.App) (*operator.Operator, error) {
	client, err := d.client(app, d.tokens(app))
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", app.Name, err)
	}
	return operator.New(operator.Config{
		Redis: d.rdb, App: app.Name, Ledger: d.ledger(app), Retention: app.Retention, Recaller: message.NewClient(client, app.AgentID),
	}), nil
}

// operatorOf is the operator of the app that a message's id names.
func (d *deployment) operatorOf(id string) (*operator.Operator, error) {
	name, err := tasks.AppOf(id)
	if err != nil {
		return nil, err
	}
	app, err := d.app(name)
	if err != nil {
		return nil, err
	}
	return d.operator(app)
}

// validateIDs makes something that is no id a usage error, before anything is done.
func validateIDs(ids []string) error {
	for _, id := range ids {
		if _, err := tasks.AppOf(id); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	return nil
}
