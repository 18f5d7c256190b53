package gateway

import (
	"encoding/json"

	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// maxSmallBody is the size limit of a recall's body.
const maxSmallBody = 64 << 10

// recall serves message/recall, for messages of wecomq, queued or sent, and for those
// that were sent without it.
func (c *wecomCall) recall() (wecomReply, error) {
	data, err := c.body(maxSmallBody, intake.Whole)
	if err != nil {
		return nil, err
	}
	var body message.RecallRequest
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, refuse(40058, "invalid json: %v", err)
	}
	if err := body.Validate(); err != nil {
		return nil, err
	}
	if c.services.Recaller == nil {
		return nil, refuse(48002, "recalling is %v", problem.ErrNotThere)
	}
	if _, err := tasks.AppOf(body.MsgID); err != nil {
		err = c.pass(message.APIRecall, data)
		return okay(), err
	}
	return okay(), c.takeBack(body.MsgID)
}

func okay() wecomReply { return &wecomStatus{ErrMsg: "ok"} }

// takeBack recalls a message of wecomq.
func (c *wecomCall) takeBack(id string) error {
	app, err := ownerOf(c.identity, id)
	if err != nil {
		return err
	}
	requestInfoFrom(c.r.Context()).app = app.Name
	ctx, cancel := detached(c.r.Context(), wecomTime)
	defer cancel()
	_, err = c.services.Recaller.Recall(ctx, app.Name, tasks.MessageID(id))
	return err
}

// pass posts a body to WeCom unchanged, for the token's only app.
func (c *wecomCall) pass(api string, body []byte) error {
	app, err := c.appOf("")
	if err != nil {
		return err
	}
	ctx, cancel := detached(c.r.Context(), wecomTime)
	defer cancel()
	return app.WeCom.Post(ctx, api, body, nil)
}
