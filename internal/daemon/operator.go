package daemon

import (
	"fmt"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Operator cancels, recalls, replays and purges the messages of an app.
func (d *Deployment) Operator(app *config.App) (*operator.Operator, error) {
	client, err := d.client(app)
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", app.Name, err)
	}
	return operator.New(operator.Config{
		Redis: d.rdb, App: app.Name, AgentID: app.AgentID, Ledger: d.Ledger(app), Retention: app.Retention, Recaller: message.NewClient(client, app.AgentID),
	}), nil
}

// AppOf is the app that a message's id names.
func (d *Deployment) AppOf(id string) (*config.App, error) {
	name, err := tasks.AppOf(id)
	if err != nil {
		return nil, err
	}
	return d.Config.App(name)
}

// OperatorOf is the operator of the app that a message's id names.
func (d *Deployment) OperatorOf(id string) (*operator.Operator, error) {
	app, err := d.AppOf(id)
	if err != nil {
		return nil, err
	}
	return d.Operator(app)
}
