package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
)

// recallTime limits how long one request recalls; the client repeats the request until none is left.
const recallTime = 20 * time.Second

type replayBroadcastInput struct {
	ID string `path:"id" maxLength:"100" doc:"As POST /v1/broadcasts has answered it"`

	rawBody
}

// replayBroadcast serves POST /v1/broadcasts/{id}/replay.
func (g *Gateway) replayBroadcast(ctx context.Context, in *replayBroadcastInput) (*orderOutput, error) {
	if in.err != nil {
		return nil, in.err
	}
	desk, err := g.deskOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := intake.Bound(ctx, in.data, envelope.MessageBounds); err != nil {
		return nil, err
	}
	var which broadcast.Replay
	if len(bytes.TrimSpace(in.data)) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(in.data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&which); err != nil {
			return nil, malformed(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, creationTime)
	defer cancel()
	b, duplicate, err := desk.Replay(ctx, in.ID, which, IdentityFrom(ctx).Name())
	if err != nil {
		return nil, broadcastFault(err)
	}
	status, err := desk.Tell(ctx, b)
	return &orderOutput{http.StatusAccepted, &orderReceipt{status, duplicate}}, broadcastFault(err)
}

type recallBroadcastOutput struct{ Body broadcast.Recall }

// recallBroadcast serves POST /v1/broadcasts/{id}/recall.
func (g *Gateway) recallBroadcast(ctx context.Context, in *broadcastInput) (*recallBroadcastOutput, error) {
	desk, err := g.deskOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	identity := IdentityFrom(ctx)
	ctx, cancel := detached(ctx, recallTime)
	defer cancel()
	b, err := desk.Get(ctx, in.ID)
	if err == nil {
		err = identity.AllowOn(b.Spec.CreatedBy)
	}
	if err != nil {
		return nil, broadcastFault(err)
	}
	result, err := desk.Recall(ctx, in.ID, identity.Name(), nil)
	if errors.Is(err, context.DeadlineExceeded) && result.ID != "" {
		err = nil // the client sees how many are left
	}
	return &recallBroadcastOutput{result}, broadcastFault(err)
}

func (g *Gateway) registerBroadcastActs(api huma.API) {
	which := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[broadcast.Replay](), true, "Replay")
	operation(g, api, huma.Operation{
		OperationID: "replay-broadcast", Method: http.MethodPost, Path: "/v1/broadcasts/{id}/replay", DefaultStatus: http.StatusAccepted,
		Summary: "Send a finished broadcast again to those who did not get it", Tags: []string{"broadcasts"},
		Description: "Creates another broadcast with the same content. A repeat finds the first one.",
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: which}}},
		Responses:   map[string]*huma.Response{"202": answer[orderReceipt](api, "It was created, or found")},
		Errors:      []int{400, 401, 403, 404, 409, 415, 503},
	}, config.ScopeAdmin, g.replayBroadcast)
	operation(g, api, huma.Operation{
		OperationID: "recall-broadcast", Method: http.MethodPost, Path: "/v1/broadcasts/{id}/recall", DefaultStatus: http.StatusAccepted,
		Summary: "Cancel a broadcast and recall what was sent in the last 24 h", Tags: []string{"broadcasts"},
		Description: "Works for up to 20 s; repeat it until left is 0. It continues where it stopped.",
		Errors:      []int{401, 403, 404, 502, 503},
	}, config.ScopeSend, g.recallBroadcast)
}
