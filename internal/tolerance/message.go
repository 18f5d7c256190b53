package tolerance

import (
	"fmt"
	"regexp"

	"github.com/wecomq/wecomq/wecom"
)

// RefusalError is an errcode with a text of its own, such as the member that is wrong.
type RefusalError struct {
	Code wecom.Code
	Text string
}

func (r *RefusalError) Error() string { return fmt.Sprintf("errcode %d: %s", int64(r.Code), r.Text) }

// refuse is [wecom.CodeInvalidParameter] with a text.
func refuse(format string, args ...any) error {
	return &RefusalError{Code: wecom.CodeInvalidParameter, Text: fmt.Sprintf(format, args...)}
}

// Judge determines WeCom's answer to a message, apart from its recipients.
type Judge struct {
	// Agent judges the agentid; [Agent] reads it.
	Agent func(body Object) error
	// Files judges media_ids; nil accepts all.
	Files Files
	// Future accepts an unknown msgtype if its content is present.
	Future bool
}

// typeName matches the possible names of future msgtypes.
var typeName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,31}$`)

// Known reports whether a msgtype has checks here.
func Known(msgtype string) bool { return contentChecks[msgtype] != nil }

// Message judges a body of message/send. An error is a [wecom.Code] or a [*RefusalError].
func (j Judge) Message(body Object) (*Content, error) {
	kind := body.Str("msgtype")
	check, known := contentChecks[kind]
	if future := j.Future && typeName.MatchString(kind) && body.Has(kind); !known && !future {
		return nil, wecom.Code(40008)
	}
	if err := j.Agent(body); err != nil {
		return nil, err
	}
	safe, ok := body.Num("safe")
	if !ok || safe < 0 || safe > 2 {
		return nil, refuse("safe is not 0, 1 or 2")
	}
	for _, flag := range []string{"enable_id_trans", "enable_duplicate_check", "duplicate_check_interval"} {
		body.Flag(flag) // an invalid one counts as wrong JSON
	}
	c := &Content{Object: body.Obj(kind), Safe: safe, Everyone: To(body).Everyone, files: j.Files}
	if !known {
		return c, nil
	}
	return c, check(c)
}

// Card judges the card of an update, which replaces one that was sent.
func (j Judge) Card(card Object) (*Content, error) {
	c := &Content{Object: card, update: true, files: j.Files}
	return c, checkCard(c)
}

// Agent is the agentid of a body. The error is 41011 if it is missing, and 40056 if it is not a number.
func Agent(body Object) (int64, error) {
	id, ok := body.Num("agentid")
	switch {
	case !body.Has("agentid"):
		return 0, wecom.Code(41011)
	case !ok || id <= 0:
		return 0, wecom.Code(40056)
	}
	return id, nil
}
