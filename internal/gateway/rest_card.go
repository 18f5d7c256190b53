package gateway

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

type cardInput struct {
	rawBody

	ID string `path:"id" maxLength:"100" doc:"Of the message with the card, or of one part of it" example:"ops-01JD5K3V8N0000000000000000"`
}

// updateCard serves POST /v1/messages/{id}/card.
func (g *Gateway) updateCard(ctx context.Context, in *cardInput) (*sendOutput, error) {
	if in.err != nil {
		return nil, in.err
	}
	if g.services.Cards == nil {
		return nil, fmt.Errorf("changing cards is %w", problem.ErrNotThere)
	}
	app, err := ownerOf(IdentityFrom(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	if err := intake.Bound(ctx, in.data, envelope.MessageBounds); err != nil {
		return nil, err
	}
	update, err := message.ParseCardUpdate(in.data)
	if err != nil {
		return nil, malformed(err)
	}
	requestInfoFrom(ctx).about(app, in.ID)
	ctx, cancel := detached(ctx, storeTime)
	defer cancel()
	receipt, err := g.services.Cards.UpdateCard(ctx, app.Name, in.ID, update)
	return &sendOutput{Body: receiptOf(receipt)}, err
}

// registerCards registers the operation that changes a card.
func (g *Gateway) registerCards(api huma.API) {
	operation(g, api, huma.Operation{
		OperationID: "update-card", Method: http.MethodPost, Path: "/v1/messages/{id}/card", DefaultStatus: http.StatusAccepted,
		Summary: "Update a template card", Tags: []string{"messages"},
		Description: "202 means that the update is in Redis; the id is that of the update. WeCom changes a card once, within 72 h. " +
			"A repeat of the same update finds the first one. 409 says why the card cannot change: it was updated before (by which update, and when), " +
			"is too old, was not sent yet, was not accepted, was recalled, or WeCom gave no response_code for it.",
		RequestBody: cardBody(), Errors: []int{400, 401, 403, 404, 409, 413, 415, 422, 503},
	}, config.ScopeSend, g.updateCard)
}

// cardBody documents the JSON of an update.
func cardBody() *huma.RequestBody {
	list := func(doc, item string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeArray, Description: doc, Items: &huma.Schema{Type: item}}
	}
	return &huma.RequestBody{
		Required: true,
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
			Type: huma.TypeObject, Description: "WeCom's message/update_template_card without response_code: either button or template_card",
			Properties: map[string]*huma.Schema{
				"button": {Type: huma.TypeObject, Description: "Greys the buttons and labels them", Properties: map[string]*huma.Schema{
					"replace_name": {Type: huma.TypeString, Examples: []any{"Approved"}},
				}},
				"template_card":   {Type: huma.TypeObject, Description: "The new card, of any card_type", AdditionalProperties: true},
				"userids":         list("The card changes for these only; without any of the three for everyone who received it", huma.TypeString),
				"partyids":        list("Departments", huma.TypeInteger),
				"tagids":          list("Tags", huma.TypeInteger),
				"atall":           {Type: huma.TypeInteger, Description: "1 for everyone who received it, which is the default"},
				"enable_id_trans": {Type: huma.TypeInteger, Description: "1 to replace $userName=ID$ and the like in template_card"},
			},
		}}},
	}
}
