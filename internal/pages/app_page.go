package pages

import (
	"net/http"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/audit"
)

// appView is the page of an app.
type appView struct {
	apps.Status

	Spark spark
	Hour  hour
}

// app shows the page of one app; the gateway has checked that the token may use it.
func (p *Pages) app(w http.ResponseWriter, r *http.Request) error {
	all := p.apps.Load()
	app, ok := all.byName[r.PathValue("app")]
	if !ok {
		return &refusal{"App not found", nil, "/"}
	}
	statuses, err := all.statuses(r.Context())
	if err != nil {
		return err
	}
	status := statuses[app.Name]
	hour, err := app.hour.get(r.Context(), hourAge, app.fetchHour)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "app", view{Live: true, Data: appView{status, sparkOf(status.Minutes), hour}})
}

// ConcurrencyPercent is the share of the configured concurrency that 45033 left.
func (v appView) ConcurrencyPercent() float64 { return v.Concurrency * 100 }

// Books are the sums of the last audit, nil if there was none.
func (v appView) Books() *audit.Sums {
	if v.Audit == nil || len(v.Audit.Apps) == 0 {
		return nil
	}
	return &v.Audit.Apps[0]
}
