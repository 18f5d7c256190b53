package message

import (
	"context"
	"time"
)

// RecallWindow is how long after sending it WeCom takes a message back (94867).
const RecallWindow = 24 * time.Hour

// RecallRequest takes a message back (94867).
type RecallRequest struct {
	// MsgID is of a [SendResponse] to the same application, at most 24 h old.
	MsgID string `json:"msgid"`
}

// RecallResponse is the answer to message/recall.
type RecallResponse struct {
	CommonError
}

// Validate wants a msgid, in a [*ValidationError].
func (r RecallRequest) Validate() error {
	var found []FieldError
	checker{found: &found}.required("msgid", r.MsgID)
	return asError(found)
}

// Recall is [Client.RecallContext] without a context.
func (c *Client) Recall(request RecallRequest) (*RecallResponse, error) {
	return c.RecallContext(context.Background(), request)
}

// RecallContext takes a message back from WeCom's clients.
func (c *Client) RecallContext(ctx context.Context, request RecallRequest) (*RecallResponse, error) {
	if err := request.Validate(); err != nil {
		return nil, err
	}
	return call(ctx, c, APIRecall, request, new(RecallResponse))
}
