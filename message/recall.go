package message

import (
	"context"

	"github.com/wecomq/wecomq/wecom"
)

// RecallWindow is how long a message can be recalled after it was sent (94867).
const RecallWindow = wecom.RecallWindow

// RecallRequest recalls a message (94867).
type RecallRequest struct {
	// MsgID is from a [SendResponse] to the same application, at most 24 h old.
	MsgID string `json:"msgid"`
}

// RecallResponse is the answer to message/recall.
type RecallResponse struct {
	CommonError
}

// Validate requires a msgid; its error is a [*ValidationError].
func (r RecallRequest) Validate() error {
	var found []FieldError
	checker{found: &found}.required("msgid", r.MsgID)
	return asError(found)
}

// Recall is [Client.RecallContext] without a context.
func (c *Client) Recall(request RecallRequest) (*RecallResponse, error) {
	return c.RecallContext(context.Background(), request)
}

// RecallContext removes a message from WeCom's clients.
func (c *Client) RecallContext(ctx context.Context, request RecallRequest) (*RecallResponse, error) {
	if err := request.Validate(); err != nil {
		return &RecallResponse{CommonError: refusedHere(err)}, err
	}
	return call(ctx, c, APIRecall, request, new(RecallResponse))
}
