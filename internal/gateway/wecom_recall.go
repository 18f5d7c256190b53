package gateway

import (
	"encoding/json"
	"errors"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// maxSmallBody is the size limit of a recall's body.
const maxSmallBody = 64 << 10

// recall serves message/recall, for messages of wecomq, queued or sent, and for those that were sent without it.
func (c *wecomCall) recall() (wecomReply, error) {
	data, err := c.body(maxSmallBody, intake.Whole)
	if err != nil {
		return nil, err
	}
	var body message.RecallRequest
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, refuse(wecom.CodeInvalidParameter, "invalid json: %v", err)
	}
	if err := body.Validate(); err != nil {
		return nil, err
	}
	if c.services.Recaller == nil {
		return nil, refuse(48002, "recalling is %v", problem.ErrNotThere)
	}
	if _, err := tasks.AppOf(body.MsgID); err != nil {
		app, err := c.recallElsewhere(data)
		activity.Record(c.r.Context(), activity.RecallMessage, app, body.MsgID, err)
		return okay(), err
	}
	return okay(), c.takeBack(body.MsgID)
}

func okay() wecomReply { return &wecomStatus{ErrMsg: "ok"} }

// takeBack recalls a message of wecomq.
func (c *wecomCall) takeBack(id string) error {
	app, err := ownerOf(c.identity, id)
	if err != nil {
		return Forbidden(c.r.Context(), activity.RecallMessage, id, err)
	}
	requestInfoFrom(c.r.Context()).about(app, id)
	ctx, cancel := detached(c.r.Context(), wecomTime)
	defer cancel()
	_, err = c.own(c.services.Recaller.Recall)(ctx, app.Name, tasks.MessageID(id))
	return Forbidden(ctx, activity.RecallMessage, id, err)
}

// maxRecallApps is how many apps are tried for a message that wecomq has not sent.
const maxRecallApps = 8

// recallElsewhere recalls a message that was sent without wecomq, so by another sender. Its msgid does not name
// its app, and only that app can recall it: each of the token's apps is tried.
func (c *wecomCall) recallElsewhere(body []byte) (app string, err error) {
	if err := c.identity.AllowOn(""); err != nil {
		return "", err
	}
	apps := c.identity.apps
	if len(apps) > maxRecallApps {
		return "", refuse(41011, "the msgid is not of wecomq, and token %q may use %d apps; recall it with a token of its app", c.identity.Name(), len(apps))
	}
	ctx, cancel := detached(c.r.Context(), wecomTime)
	defer cancel()
	for _, asked := range apps {
		app, err = asked.Name, asked.WeCom.Post(ctx, message.APIRecall, body, nil)
		if !errors.Is(err, wecom.CodeInvalidParameter) {
			break
		}
	}
	return app, err
}
