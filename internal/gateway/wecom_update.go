package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// updateReply has an array where message/send has a string. It is omitted if empty, because some clients expect
// a string here, too.
type updateReply struct {
	wecomStatus

	InvalidUser []string `json:"invaliduser,omitempty"`
}

// updateCard serves message/update_template_card immediately, without the queue. Our response_code is replaced
// by WeCom's, which is known once the card was sent; one from a callback is passed on unchanged.
func (c *wecomCall) updateCard() (wecomReply, error) {
	data, err := c.body(message.MaxBodyBytes, intake.Whole)
	if err != nil {
		return nil, err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, refuse(wecom.CodeInvalidParameter, "invalid json: %v", err)
	}
	var code string
	_ = json.Unmarshal(body["response_code"], &code) // anything but a string counts as missing
	if code == "" {
		return nil, refuse(wecom.CodeInvalidParameter, "response_code missing")
	}
	app, codes, err := c.responseCodes(code, body["agentid"])
	if err != nil {
		return nil, err
	}
	info := requestInfoFrom(c.r.Context())
	info.app = app.Name
	if _, notOurs := tasks.AppOf(code); notOurs == nil { // only the sender of the card knows others
		info.about(app, code)
	}
	body["agentid"] = json.RawMessage(app.AgentID)
	ctx, cancel := detached(c.r.Context(), wecomTime)
	defer cancel()
	reply, err := updateAll(ctx, app, body, codes)
	activity.Record(ctx, activity.UpdateCard, app.Name, info.message, err)
	return reply, err
}

// responseCodes returns WeCom's codes for one of ours, one for each part of the message.
func (c *wecomCall) responseCodes(code string, agentID json.RawMessage) (App, []string, error) {
	if _, err := tasks.AppOf(code); err != nil {
		app, err := c.appOf(strings.Trim(strings.TrimPrefix(string(agentID), "null"), `"`))
		return app, []string{code}, err
	}
	app, err := ownerOf(c.identity, code)
	if err != nil {
		return App{}, nil, err
	}
	ctx, cancel := detached(c.r.Context(), storeTime)
	defer cancel()
	record, err := c.services.Records.Record(ctx, app.Name, tasks.MessageID(code))
	if err != nil {
		return App{}, nil, err
	}
	var codes []string
	for _, part := range append(slices.Clone(record.Parts), record) {
		if part.ResponseCode != "" && !slices.Contains(codes, part.ResponseCode) {
			codes = append(codes, part.ResponseCode)
		}
	}
	switch {
	case len(codes) > 0:
		return app, codes, nil
	case !record.State.Final():
		return App{}, nil, refuse(-1, "system busy: the card is %s, try again when it was sent", record.State)
	}
	return App{}, nil, refuse(wecom.CodeResponseCodeUsed, "the card is %s, and has no response_code", record.State)
}

// errNotInMessage means that none of an update's userids received the card.
const errNotInMessage wecom.Code = 82102

// updateAll updates all parts of a card. A user is reported as invalid if every part
// says so.
func updateAll(ctx context.Context, app App, body map[string]json.RawMessage, codes []string) (wecomReply, error) {
	reply := &updateReply{}
	updated := false
	var last error
	for i, code := range codes {
		body["response_code"], _ = marshal(code) // a string can always be marshalled
		data, err := marshal(body)
		if err != nil {
			return nil, err
		}
		var answer message.UpdateTemplateCardResponse
		err = app.WeCom.Post(ctx, message.APIUpdateTemplateCard, data, &answer)
		if err != nil && (!errors.Is(err, errNotInMessage) || len(codes) == 1) {
			return &updateReply{InvalidUser: answer.InvalidUser}, err
		}
		updated, last = updated || err == nil, err
		if i == 0 {
			reply.InvalidUser = answer.InvalidUser
		}
		reply.InvalidUser = slices.DeleteFunc(reply.InvalidUser, func(user string) bool {
			return !slices.Contains(answer.InvalidUser, user)
		})
	}
	if !updated {
		return reply, last
	}
	reply.set(0, "ok")
	return reply, nil
}

// marshal is the compact JSON of a value, with < > & as they are.
func marshal(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSpace(buf.Bytes()), err
}
