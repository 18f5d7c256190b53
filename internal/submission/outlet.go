package submission

import (
	"cmp"
	"context"
	"fmt"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Queue enqueues the messages of an app. It returns one result for each, in order.
type Queue interface {
	SendBatch(ctx context.Context, messages []tasks.Message) []tasks.Result
}

// Outlet is the app that sends a message.
type Outlet struct {
	AgentID string
	Queue   Queue // nil for a dry run
	Files   media.LocalFiles
}

// checkAgent rejects a message for another application than the one that sends it.
func (o *Outlet) checkAgent(request message.Request) error {
	if got := request.Common().AgentID; got != "" && got != o.AgentID {
		return fmt.Errorf("agentid: %s, but this app is agent %s; leave agentid out or choose the app with --app", got, o.AgentID)
	}
	return nil
}

// Outlets are the apps of one submission, each opened for its first message.
type Outlets struct {
	only   string // the app for all; "" if each message has to name its own
	config *config.Config
	open   func(*config.App) (*Outlet, error)
	opened map[string]*Outlet
}

// NewOutlets returns outlets that send all messages with the app only. If it is "", they use the only app of the
// config or, if there are several, the apps that the messages name.
func NewOutlets(cfg *config.Config, only string, open func(*config.App) (*Outlet, error)) (*Outlets, error) {
	if only != "" || len(cfg.Apps) == 1 {
		app, err := cfg.App(only)
		if err != nil {
			return nil, err
		}
		only = app.Name
	}
	return &Outlets{only: only, config: cfg, open: open, opened: map[string]*Outlet{}}, nil
}

// of returns the outlet of a message that names this app, or none.
func (o *Outlets) of(name string) (*Outlet, error) {
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
	if o.opened[name], err = o.open(app); err != nil {
		delete(o.opened, name)
		return nil, err
	}
	return o.opened[name], nil
}
