package gateway

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/tasks"
)

// searchTime is the time limit of a search for a recipient: it may read all blocks of twenty broadcasts.
const searchTime = 30 * time.Second

type broadcastInput struct {
	ID string `path:"id" maxLength:"100" doc:"As POST /v1/broadcasts has answered it" example:"ops-B1JD5K3V8N0000000000000000"`
}

type broadcastOutput struct{ Body broadcast.Status }

// desk returns the broadcasts of an app.
func (g *Gateway) desk(ctx context.Context, app App) (*broadcast.Desk, error) {
	if g.services.Broadcasts == nil {
		return nil, fmt.Errorf("broadcasts are %w", problem.ErrNotThere)
	}
	requestInfoFrom(ctx).app = app.Name
	return g.services.Broadcasts.Broadcasts(app.Name)
}

// deskOf returns the broadcasts of the app that a broadcast's id names, if the client may use the app.
func (g *Gateway) deskOf(ctx context.Context, id string) (*broadcast.Desk, error) {
	if g.services.Broadcasts == nil {
		return nil, fmt.Errorf("broadcasts are %w", problem.ErrNotThere)
	}
	if _, err := tasks.ValidateBroadcastID(id); err != nil {
		return nil, problem.As(ErrNotFound, err)
	}
	app, err := ownerOf(IdentityFrom(ctx), id)
	if err != nil {
		return nil, err
	}
	return g.desk(ctx, app)
}

// broadcastFault classifies the error of an operation that used only Redis.
func broadcastFault(err error) error {
	if err == nil || problem.Status(err) != http.StatusInternalServerError {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// showBroadcast serves GET /v1/broadcasts/{id}.
func (g *Gateway) showBroadcast(ctx context.Context, in *broadcastInput) (*broadcastOutput, error) {
	return g.withBroadcast(ctx, in.ID, func(ctx context.Context, desk *broadcast.Desk) (*broadcast.Broadcast, error) {
		return desk.Get(ctx, in.ID)
	})
}

// withBroadcast answers with the status of a broadcast after an operation.
func (g *Gateway) withBroadcast(
	ctx context.Context, id string, do func(context.Context, *broadcast.Desk) (*broadcast.Broadcast, error),
) (*broadcastOutput, error) {
	desk, err := g.deskOf(ctx, id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := detached(ctx, storeTime)
	defer cancel()
	b, err := do(ctx, desk)
	if err != nil {
		return nil, broadcastFault(err)
	}
	status, err := desk.Tell(ctx, b)
	return &broadcastOutput{status}, broadcastFault(err)
}

// control changes the state of a broadcast.
type control func(*broadcast.Store, context.Context, string, string) (*broadcast.Broadcast, error)

// ownBroadcast restricts an operation that stops or resumes a broadcast to those that the client may recall.
func ownBroadcast(do control) control {
	return func(store *broadcast.Store, ctx context.Context, id, actor string) (*broadcast.Broadcast, error) {
		b, err := store.Get(ctx, id)
		if err == nil {
			err = IdentityFrom(ctx).AllowOn(b.Spec.CreatedBy)
		}
		if err != nil {
			return nil, err
		}
		return do(store, ctx, id, actor)
	}
}

// controlBroadcast serves POST /v1/broadcasts/{id}/pause and the like.
func (g *Gateway) controlBroadcast(do control) func(context.Context, *broadcastInput) (*broadcastOutput, error) {
	return func(ctx context.Context, in *broadcastInput) (*broadcastOutput, error) {
		actor := IdentityFrom(ctx).Name()
		return g.withBroadcast(ctx, in.ID, func(ctx context.Context, desk *broadcast.Desk) (*broadcast.Broadcast, error) {
			return do(desk.Store, ctx, in.ID, actor)
		})
	}
}

type broadcastsInput struct {
	App   string `query:"app" maxLength:"32" doc:"Only those of this app"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Maximum number of broadcasts per app"`
	// Recipient selects broadcasts; each item then has the recipient's state.
	Recipient string `query:"recipient" maxLength:"64" doc:"Only those with this userid as a recipient, among the newest 20 of each app; found is its outcome"`
}

type broadcastsOutput struct {
	Body struct {
		Broadcasts []broadcast.Status `json:"broadcasts" doc:"Of each app the newest first"`
	}
}

// listBroadcasts serves GET /v1/broadcasts.
func (g *Gateway) listBroadcasts(ctx context.Context, in *broadcastsInput) (*broadcastsOutput, error) {
	identity := IdentityFrom(ctx)
	apps := identity.apps
	if in.App != "" {
		app, err := identity.App(in.App)
		if err != nil {
			return nil, err
		}
		apps = []App{app}
	}
	output := &broadcastsOutput{}
	output.Body.Broadcasts = []broadcast.Status{}
	for _, app := range apps {
		desk, err := g.desk(ctx, app)
		if err != nil {
			return nil, err
		}
		all, err := statuses(ctx, desk, in)
		if err != nil {
			return nil, broadcastFault(err)
		}
		output.Body.Broadcasts = append(output.Body.Broadcasts, all...)
	}
	return output, nil
}

func statuses(ctx context.Context, desk *broadcast.Desk, in *broadcastsInput) ([]broadcast.Status, error) {
	limit := storeTime
	if in.Recipient != "" {
		limit = searchTime
	}
	ctx, cancel := detached(ctx, limit)
	defer cancel()
	return desk.Statuses(ctx, in.Limit, in.Recipient)
}

type minutesOutput struct {
	Body struct {
		Minutes []broadcast.Minute `json:"minutes" doc:"Calls that ended, by minute; without minutes in which none did"`
	}
}

// showMinutes serves GET /v1/broadcasts/{id}/minutes.
func (g *Gateway) showMinutes(ctx context.Context, in *broadcastInput) (*minutesOutput, error) {
	desk, err := g.deskOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	ctx, cancel := detached(ctx, storeTime)
	defer cancel()
	output := &minutesOutput{}
	if _, err = desk.Get(ctx, in.ID); err == nil {
		output.Body.Minutes, err = desk.Minutes(ctx, in.ID)
	}
	return output, broadcastFault(err)
}

// registerBroadcasts registers the operations on broadcasts.
func (g *Gateway) registerBroadcasts(api huma.API) {
	g.registerOrder(api)
	tags := []string{"broadcasts"}
	operation(g, api, huma.Operation{
		OperationID: "list-broadcasts", Method: http.MethodGet, Path: "/v1/broadcasts",
		Summary: "List broadcasts, newest first, or those to one recipient", Tags: tags, Errors: []int{401, 403, 422, 503},
	}, config.ScopeRead, g.listBroadcasts)
	operation(g, api, huma.Operation{
		OperationID: "get-broadcast", Method: http.MethodGet, Path: "/v1/broadcasts/{id}",
		Summary: "Get the progress of a broadcast", Tags: tags, Errors: []int{401, 403, 404, 503},
	}, config.ScopeRead, g.showBroadcast)
	operation(g, api, huma.Operation{
		OperationID: "get-broadcast-minutes", Method: http.MethodGet, Path: "/v1/broadcasts/{id}/minutes",
		Summary: "Get calls and failures by minute", Tags: tags, Errors: []int{401, 403, 404, 503},
	}, config.ScopeRead, g.showMinutes)
	for _, c := range []struct {
		name, summary string
		scope         config.Scope
		do            control
	}{
		{"pause", "Stop a broadcast until it is resumed", config.ScopeSend, ownBroadcast((*broadcast.Store).Pause)},
		{"resume", "Resume a paused broadcast", config.ScopeSend, ownBroadcast((*broadcast.Store).Resume)},
		{"cancel", "End a broadcast: whoever was not reached counts as cancelled", config.ScopeSend, ownBroadcast((*broadcast.Store).Cancel)},
		{"approve", "Release a broadcast of somebody else that waits for approval", config.ScopeApprove, (*broadcast.Store).Approve},
	} {
		operation(g, api, huma.Operation{
			OperationID: c.name + "-broadcast", Method: http.MethodPost, Path: "/v1/broadcasts/{id}/" + c.name,
			Summary: c.summary, Tags: tags, Errors: []int{401, 403, 404, 409, 503},
		}, c.scope, g.controlBroadcast(c.do))
	}
	g.registerReport(api)
	g.registerBroadcastActs(api)
}
