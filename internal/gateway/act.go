package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/tasks"
)

// acts maps the ids of API operations to the acts that are recorded.
var acts = map[string]activity.Action{
	"cancel-message": activity.CancelMessage, "recall-message": activity.RecallMessage, "replay-message": activity.ReplayMessage,
	"update-card": activity.UpdateCard, "pause-broadcast": activity.PauseBroadcast, "resume-broadcast": activity.ResumeBroadcast,
	"cancel-broadcast": activity.CancelBroadcast, "approve-broadcast": activity.ApproveBroadcast,
	"replay-broadcast": activity.ReplayBroadcast, "recall-broadcast": activity.RecallBroadcast,
}

// Forbidden records an act that its client may not do, if err says so, and returns err. An act that is done, or
// fails for another reason, is recorded where it is done.
func Forbidden(ctx context.Context, act activity.Action, target string, err error) error {
	identity := IdentityFrom(ctx)
	if act == "" || identity == nil || !errors.Is(err, problem.ErrForbidden) || !identity.refusals.Allow() {
		return err
	}
	app, notID := tasks.AppOf(target)
	if notID != nil {
		app = requestInfoFrom(ctx).app
	}
	activity.Record(ctx, act, app, target, err)
	return err
}

// forbidden does the same for a request to a route.
func (r Route) forbidden(req *http.Request, err error) {
	act := r.Act
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		act = ""
	}
	app, target := req.PathValue("app"), req.PathValue("id")
	if tasks.ValidateApp(app) == nil {
		requestInfoFrom(req.Context()).app = app
	} else {
		target = cmp.Or(target, req.Method+" "+req.URL.Path)
	}
	_ = Forbidden(req.Context(), act, target, err)
}
