package gateway

import (
	"cmp"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

type sendReply struct {
	wecomStatus

	InvalidUser  string `json:"invaliduser,omitempty"`
	InvalidParty string `json:"invalidparty,omitempty"`
	InvalidTag   string `json:"invalidtag,omitempty"`
	MsgID        string `json:"msgid,omitempty"`
	ResponseCode string `json:"response_code,omitempty"`
}

// send serves message/send. errcode 0 means that the message is in Redis. Its msgid, and the response_code of a
// card that has one, is our message id; recall and update accept it.
func (c *wecomCall) send() (wecomReply, error) {
	data, err := c.body(message.MaxBodyBytes, intake.Whole)
	if err != nil {
		return nil, err
	}
	in, err := c.understand(data)
	if err != nil {
		return nil, err
	}
	m := tasks.Message{Options: tasks.Options{IdempotencyKey: c.r.Header.Get("Idempotency-Key")}}
	if m.Options.Priority, err = c.choosePriority(); err != nil {
		return nil, err
	}
	if key := m.Options.IdempotencyKey; key != "" {
		if err := envelope.ValidateKey(key); err != nil {
			return nil, err
		}
	}
	reply := &sendReply{}
	if m.Request, err = reply.request(in); err != nil {
		return reply, err
	}
	if m, err = c.prepare(c.r.Context(), in.app, m); err != nil {
		return nil, err
	}
	receipt, err := c.store(in.app, m, data)
	if err != nil {
		return nil, err
	}
	c.countUnknown(in)
	reply.MsgID = receipt.ID
	if in.content.Callback {
		reply.ResponseCode = receipt.ID
	}
	reply.set(0, "ok"+in.warnings())
	return reply, nil
}

// store stores a message; its idempotency key or its bytes identify repetitions.
func (c *wecomCall) store(app App, m tasks.Message, body []byte) (tasks.Receipt, error) {
	if m.Options.IdempotencyKey != "" {
		return c.enqueue(c.r.Context(), app, m)
	}
	return c.enqueueOnce(c.r.Context(), app, m, body, func(err error) int {
		status, _, _ := wecomError(err)
		return status
	})
}

// appOf finds an app by its agentid, which may be omitted if the token has only one app.
func (c *wecomCall) appOf(agentID string) (App, error) {
	var numbers []string
	for _, app := range c.identity.apps {
		if app.AgentID == agentID || (agentID == "" && len(c.identity.apps) == 1) {
			return app, nil
		}
		numbers = append(numbers, app.AgentID)
	}
	if agentID == "" {
		return App{}, refuse(41011, "agentid missing; token %q may use %s", c.identity.Name(), list(numbers))
	}
	return App{}, refuse(301002, "agentid %.40q is not one that token %q may use: %s", agentID, c.identity.Name(), list(numbers))
}

// choosePriority takes the priority from the query, the header, the path or the token, in this order.
func (c *wecomCall) choosePriority() (tasks.Priority, error) {
	text := cmp.Or(c.r.URL.Query().Get("priority"), c.r.Header.Get("X-Wecomq-Priority"), string(c.priority), string(c.identity.Token.Priority))
	priority := tasks.Priority(text)
	if text != "" && priority.Validate() != nil {
		return "", invalid("priority", "%.40q is not one of critical, default, bulk", text)
	}
	return priority, nil
}
