package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/problem"
)

type appsOutput struct {
	Body struct {
		Apps []AppStatus `json:"apps"`
	}
}

// listApps serves GET /v1/apps: the apps that the token may use.
func (g *Gateway) listApps(ctx context.Context, _ *struct{}) (*appsOutput, error) {
	if g.services.Apps == nil {
		return nil, fmt.Errorf("the state of apps is %w", problem.ErrNotThere)
	}
	names := IdentityFrom(ctx).Apps()
	ctx, cancel := detached(ctx, storeTime)
	defer cancel()
	apps, err := g.services.Apps.Apps(ctx)
	if err != nil {
		return nil, err
	}
	output := &appsOutput{}
	output.Body.Apps = slices.DeleteFunc(apps, func(app AppStatus) bool { return !slices.Contains(names, app.App) })
	return output, nil
}

func (g *Gateway) registerApps(api huma.API) {
	operation(g, api, huma.Operation{
		OperationID: "list-apps", Method: http.MethodGet, Path: "/v1/apps",
		Summary: "List the apps with state, quota and backlog", Tags: []string{"apps"}, Errors: []int{401, 403, 503},
	}, config.ScopeRead, g.listApps)
}
