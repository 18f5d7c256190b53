package pages

import (
	"net/http"
	"slices"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/gateway"
)

// shownActivity is the data of the activity page.
type shownActivity struct {
	Acts    []activity.Act
	More    bool
	Actor   string
	Action  activity.Action
	Actions []activity.Action
}

// activity shows the newest acts on the apps of a token, and those on no app.
func (p *Pages) activity(w http.ResponseWriter, r *http.Request) error {
	mine := gateway.IdentityFrom(r.Context()).Apps()
	shown := shownActivity{Actor: r.URL.Query().Get("actor"), Actions: activity.Actions()}
	if action, err := activity.ParseAction(r.URL.Query().Get("action")); err == nil {
		shown.Action = action
	}
	if p.cfg.Activity != nil {
		var err error
		shown.Acts, err = p.cfg.Activity.Newest(r.Context(), activity.Query{
			Actor: shown.Actor, Action: shown.Action,
			Visible: func(app string) bool { return app == "" || slices.Contains(mine, app) },
		}, listed)
		if err != nil {
			return err
		}
	}
	shown.More = len(shown.Acts) == listed
	return p.render(w, r, http.StatusOK, "activity", view{Data: shown})
}
