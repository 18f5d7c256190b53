package pages

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/gateway"
)

// listedBroadcast is a row of the list of broadcasts.
type listedBroadcast struct {
	*broadcast.Broadcast

	Bar []segment
	End end
}

// broadcasts lists the newest broadcasts of all apps.
func (p *Pages) broadcasts(w http.ResponseWriter, r *http.Request) error {
	var all []listedBroadcast
	for _, app := range p.mine(gateway.IdentityFrom(r.Context())) {
		some, err := app.broadcasts.get(r.Context(), stateAge, app.fetchBroadcasts)
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b listedBroadcast) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return p.render(w, r, http.StatusOK, "broadcasts", view{Live: true, Data: all[:min(len(all), listed)]})
}

func (a *watched) fetchBroadcasts(ctx context.Context) ([]listedBroadcast, error) {
	newest, err := a.Broadcasts.List(ctx, listed)
	if err != nil || len(newest) == 0 {
		return nil, err
	}
	pace, err := a.Broadcasts.Pace(ctx)
	if err != nil {
		return nil, err
	}
	all, now := make([]listedBroadcast, len(newest)), time.Now()
	for i, b := range newest {
		all[i] = listedBroadcast{Broadcast: b, Bar: progress(b), End: endOf(b, now, pace)}
	}
	return all, nil
}
