package gateway

import (
	"cmp"
	"strings"

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

// send serves message/send. errcode 0 means that the message is in Redis. Its msgid,
// and the response_code of a card, is our message id; recall and update accept it.
func (c *wecomCall) send() (wecomReply, error) {
	data, err := c.body(message.MaxBodyBytes, intake.Whole)
	if err != nil {
		return nil, err
	}
	request, err := message.ParseLenient(data)
	if err != nil {
		return nil, malformedJSON(err)
	}
	app, err := c.appOf(request.Common().AgentID)
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
	request, known := reply.sortOut(request)
	if !known {
		return reply, refuse(81013, "user & party & tag all invalid")
	}
	var cut []string
	m.Request, cut = shorten(request)
	if m, err = c.prepare(c.r.Context(), app, m); err != nil {
		return nil, err
	}
	receipt, err := c.enqueue(c.r.Context(), app, m)
	if err != nil {
		return nil, err
	}
	reply.MsgID = receipt.ID
	if request.Type() == message.TypeTemplateCard {
		reply.ResponseCode = receipt.ID
	}
	reply.set(0, "ok"+warning(cut))
	return reply, nil
}

// warning has the format of WeCom's "ok. Warning: wrong json format. ".
func warning(cut []string) string {
	if len(cut) == 0 {
		return ""
	}
	return ". Warning: too long and cut: " + strings.Join(cut, ", ") + ". "
}

func malformedJSON(err error) error {
	if _, ok := asValidation(err); ok {
		return err
	}
	return refuse(40058, "invalid json: %v", err)
}

// appOf finds an app by its agentid, which may be left out if the token has only one
// app.
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
	return App{}, refuse(301002, "agentid %.40q is none that token %q may use: %s", agentID, c.identity.Name(), list(numbers))
}

// choosePriority takes the priority from the query, the header or the path, in this
// order.
func (c *wecomCall) choosePriority() (tasks.Priority, error) {
	text := cmp.Or(c.r.URL.Query().Get("priority"), c.r.Header.Get("X-Wecomq-Priority"), string(c.priority))
	priority := tasks.Priority(text)
	if text != "" && priority.Validate() != nil {
		return "", invalid("priority", "%.40q is none of critical, default, bulk", text)
	}
	return priority, nil
}
