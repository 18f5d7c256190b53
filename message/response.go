package message

import (
	"encoding/json"
	"errors"
)

// CommonError is the part that every answer of WeCom has.
type CommonError struct {
	// ErrCode 0 means that WeCom accepted the call.
	ErrCode int64 `json:"errcode"`
	// ErrMsg is for people; its wording may change.
	ErrMsg string `json:"errmsg"`
}

// SendResponse is the answer to message/send (90236). A message of which only
// some recipients are invalid is sent: ErrCode is 0 and the others are listed.
// WeCom does not say whether a member got the message.
type SendResponse struct {
	CommonError
	// InvalidUser are userids in lower case, joined by '|'.
	InvalidUser string `json:"invaliduser"`
	// InvalidParty are department ids joined by '|'.
	InvalidParty string `json:"invalidparty"`
	// InvalidTag are tag ids joined by '|'.
	InvalidTag string `json:"invalidtag"`
	// UnlicensedUser are userids without a base-API licence, joined by '|'.
	UnlicensedUser string `json:"unlicenseduser"`
	// MsgID recalls the message, within 24 h (94867).
	MsgID string `json:"msgid"`
	// ResponseCode updates the template card, once, within 72 h (94888).
	ResponseCode string `json:"response_code"`
}

// InvalidUsers lists InvalidUser.
func (r *SendResponse) InvalidUsers() []string { return splitIDs(r.InvalidUser) }

// InvalidParties lists InvalidParty.
func (r *SendResponse) InvalidParties() []string { return splitIDs(r.InvalidParty) }

// InvalidTags lists InvalidTag.
func (r *SendResponse) InvalidTags() []string { return splitIDs(r.InvalidTag) }

// UnlicensedUsers lists UnlicensedUser.
func (r *SendResponse) UnlicensedUsers() []string { return splitIDs(r.UnlicensedUser) }

// IDList is a list that WeCom writes as an array in some answers and joined by
// '|' in others; absent, null and "" are the empty list.
type IDList []string

// UnmarshalJSON reads either form.
func (l *IDList) UnmarshalJSON(data []byte) error {
	var joined string
	if json.Unmarshal(data, &joined) == nil {
		*l = splitIDs(joined)
		return nil
	}
	var ids []string
	if err := json.Unmarshal(data, &ids); err != nil {
		return errors.New("want an array of ids, or ids joined by '|'")
	}
	*l = ids
	return nil
}
