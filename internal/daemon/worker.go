package daemon

import (
	"fmt"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/worker"
)

// workerApp prepares an app for a worker.
func (d *Deployment) workerApp(app *config.App) (worker.App, error) {
	client, err := d.client(app)
	if err != nil {
		return worker.App{}, fmt.Errorf("app %s: %w", app.Name, err)
	}
	return worker.App{
		Name: app.Name, AgentID: app.AgentID, Sender: client, RecordTTL: app.RecordTTL, Concurrency: app.Concurrency,
		Timeout: app.Timeout, OnUnknown: worker.OnUnknown(app.OnUnknown), RatePause: d.options.RatePause,
		Limits: app.Limits, Retention: app.Retention,
	}, nil
}
