package daemon

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/dashboard"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/pages"
)

// sites are the pages of a gateway: our own and asynq's dashboard.
type sites struct {
	pages     *pages.Pages
	dashboard *dashboard.Dashboard
	apps      atomic.Pointer[[]string] // names of all
	gateway   atomic.Pointer[gateway.Gateway]
}

func newSites(d *Deployment) (*sites, error) {
	s, prefix := &sites{}, d.Config.Gateway.PublicURL.Prefix()
	var err error
	s.dashboard, err = dashboard.New(dashboard.Config{Redis: d.rdb, Apps: func() []string { return *s.apps.Load() }, Prefix: prefix, Logger: d.log.With().Str(fields.Component, "dashboard").Logger()})
	if err != nil {
		return nil, err
	}
	s.pages, err = pages.New(pages.Config{
		Sessions: s, Activity: d.Activity(), Dashboard: prefix + dashboard.Root, ShowDashboard: s.dashboard.Visible, Prefix: prefix,
		Logger: d.log.With().Str(fields.Component, "pages").Logger(),
	})
	if err != nil {
		return nil, err
	}
	apply, err := s.load(d)
	if err != nil {
		return nil, err
	}
	apply()
	return s, nil
}

// OpenSession implements [pages.Sessions] with the gateway, which is made after the sites that
// it mounts.
func (s *sites) OpenSession(w http.ResponseWriter, r *http.Request, secret string) (*gateway.Identity, error) {
	return s.gateway.Load().OpenSession(w, r, secret)
}

// CloseSession implements [pages.Sessions].
func (s *sites) CloseSession(w http.ResponseWriter, r *http.Request) error {
	return s.gateway.Load().CloseSession(w, r)
}

func (s *sites) routes() []gateway.Route {
	return append(s.pages.Routes(), s.dashboard.Route(pages.Login))
}

// load prepares the apps of a config; apply puts them into effect.
func (s *sites) load(d *Deployment) (apply func(), err error) {
	names := d.Config.AppNames()
	state := d.Inspector()
	apps := make([]pages.App, len(names))
	for i, name := range names {
		app := d.Config.Apps[name]
		op, err := d.Operator(app)
		if err != nil {
			return nil, err
		}
		apps[i] = pages.App{
			Name: name, AgentID: app.AgentID, Finder: d.Finder(app), Records: d.Ledger(app), Operator: op,
			Broadcasts: d.BroadcastDesk(app),
		}
	}
	return func() {
		s.apps.Store(&names)
		s.pages.Reload(apps, state, pages.Tokens{All: d.Config.Gateway.Tokens, Used: func(ctx context.Context, names []string) (map[string]budget.Usage, error) {
			return budget.Used(ctx, d.rdb, names)
		}})
	}, nil
}
