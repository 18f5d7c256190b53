package pages

import (
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/gateway"
)

// overviewView is the overview.
type overviewView struct {
	Apps   []appView
	Tokens []tokenView
}

// appView is an app on the overview.
type appView struct {
	appState

	Hour hour
}

// appsAtOnce is how many apps are queried at once.
const appsAtOnce = 8

func (p *Pages) overview(w http.ResponseWriter, r *http.Request) error {
	identity := gateway.IdentityFrom(r.Context())
	apps := p.mine(identity)
	views := make([]appView, len(apps))
	group, ctx := errgroup.WithContext(r.Context())
	group.SetLimit(appsAtOnce)
	for i, app := range apps {
		group.Go(func() (err error) {
			if views[i].appState, err = app.state.get(ctx, stateAge, app.fetchState); err != nil {
				return err
			}
			views[i].Hour, err = app.hour.get(ctx, hourAge, app.fetchHour)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	tokens, err := p.tokenViews(r.Context(), identity)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "overview", view{Live: true, Data: overviewView{views, tokens}})
}

// ConcurrencyPercent is the share of the configured concurrency left after 45033.
func (v appView) ConcurrencyPercent() float64 { return v.Concurrency * 100 }
