package pages

import (
	"net/http"
	"slices"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/tasks"
)

// overviewView is the first page: a line for each app.
type overviewView struct {
	Apps   []appRow // stuck ones first
	Stuck  int      // how many are stuck
	Tokens []tokenView
}

// appRow is an app in the table of the overview.
type appRow struct {
	apps.Status

	Spark spark
}

func (p *Pages) overview(w http.ResponseWriter, r *http.Request) error {
	identity := gateway.IdentityFrom(r.Context())
	statuses, err := p.apps.Load().statuses(r.Context())
	if err != nil {
		return err
	}
	var v overviewView
	for _, app := range p.mine(identity) {
		status, ok := statuses[app.Name]
		if !ok { // a reload came in between
			continue
		}
		v.Apps = append(v.Apps, appRow{status, sparkOf(status.Minutes)})
		if len(status.Stuck) > 0 {
			v.Stuck++
		}
	}
	slices.SortStableFunc(v.Apps, func(a, b appRow) int { return apps.CompareTrouble(a.Status, b.Status) })
	if v.Tokens, err = p.tokenViews(r.Context(), identity); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "overview", view{Live: true, Data: v})
}

// counted is the number of messages that are now in a state.
type counted struct {
	State tasks.State
	Count int
}

// Waiting counts the unsent messages by what they wait for.
func (r appRow) Waiting() (all []counted) {
	sum := map[tasks.State]int{}
	for _, q := range r.Queues {
		sum[tasks.Queued] += q.Waiting
		sum[tasks.Held] += q.Held
		sum[tasks.Scheduled] += q.Scheduled
		sum[tasks.Sending] += q.Sending
	}
	for _, state := range []tasks.State{tasks.Queued, tasks.Held, tasks.Scheduled, tasks.Sending} {
		if sum[state] > 0 {
			all = append(all, counted{state, sum[state]})
		}
	}
	return all
}
