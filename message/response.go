package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// CommonError is the part that all of WeCom's answers share.
type CommonError struct {
	// ErrCode 0 means that WeCom accepted the call.
	ErrCode int64 `json:"errcode"`
	// ErrMsg is for humans; its wording may change.
	ErrMsg string `json:"errmsg"`
}

// SendResponse is the answer to message/send (90236). If only some recipients are invalid, the message is
// sent: ErrCode is 0 and they are listed. WeCom does not report whether a member received the message.
type SendResponse struct {
	CommonError
	// InvalidUser has userids in lower case, joined by '|'.
	InvalidUser string `json:"invaliduser"`
	// InvalidParty has department ids joined by '|'.
	InvalidParty string `json:"invalidparty"`
	// InvalidTag has tag ids joined by '|'.
	InvalidTag string `json:"invalidtag"`
	// UnlicensedUser has userids without a base-API licence, joined by '|'.
	UnlicensedUser string `json:"unlicenseduser"`
	// MsgID recalls the message, within 24 h (94867).
	MsgID string `json:"msgid"`
	// ResponseCode updates the template card, once, within 72 h (94888).
	ResponseCode string `json:"response_code"`
	// Unread names the members of the answer that could not be parsed. If one of them is a list, it is
	// unknown who got the message.
	Unread []string `json:"-"`
}

// UnmarshalJSON also accepts a list as an array or as one number: WeCom uses either form in other answers. A
// member of any other kind is skipped and named in Unread.
func (r *SendResponse) UnmarshalJSON(data []byte) error {
	if !json.Valid(data) || bytes.TrimSpace(data)[0] != '{' {
		return errors.New("the answer is not a JSON object")
	}
	r.Unread = nil
	for m := range members(data) {
		name, _ := unquote(data[m.name:m.nameEnd])
		value := data[m.value:m.valueEnd]
		switch name {
		case "errcode": // the client reads the status
			if code, err := strconv.ParseInt(string(value), 10, 64); err == nil {
				r.ErrCode = code
			}
		case "errmsg":
			if text, ok := unquoted(value); ok {
				r.ErrMsg = text
			}
		default:
			r.readList(name, value)
		}
	}
	return nil
}

func (r *SendResponse) readList(name string, value []byte) {
	list := r.list(name)
	if list == nil {
		return
	}
	ids, ok := readIDs(value)
	if !ok {
		r.Unread = append(r.Unread, name)
		return
	}
	*list = joinIDs(ids)
}

// list returns the field of a member that holds ids, or nil.
func (r *SendResponse) list(name string) *string {
	switch name {
	case "invaliduser":
		return &r.InvalidUser
	case "invalidparty":
		return &r.InvalidParty
	case "invalidtag":
		return &r.InvalidTag
	case "unlicenseduser":
		return &r.UnlicensedUser
	case "msgid":
		return &r.MsgID
	case "response_code":
		return &r.ResponseCode
	}
	return nil
}

// readIDs reads a list of ids in any form.
func readIDs(raw json.RawMessage) (ids []string, ok bool) {
	if joined, ok := unquoted(raw); ok { // nearly always
		return splitIDs(joined), true
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if dec.Decode(&value) != nil {
		return nil, false
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	for _, item := range list {
		switch v := item.(type) {
		case nil:
		case string:
			ids = append(ids, splitIDs(v)...)
		case json.Number:
			ids = append(ids, v.String())
		default:
			return nil, false
		}
	}
	return ids, true
}

// InvalidUsers lists InvalidUser.
func (r *SendResponse) InvalidUsers() []string { return answeredIDs(r.InvalidUser) }

// InvalidParties lists InvalidParty.
func (r *SendResponse) InvalidParties() []string { return answeredIDs(r.InvalidParty) }

// InvalidTags lists InvalidTag.
func (r *SendResponse) InvalidTags() []string { return answeredIDs(r.InvalidTag) }

// UnlicensedUsers lists UnlicensedUser.
func (r *SendResponse) UnlicensedUsers() []string { return answeredIDs(r.UnlicensedUser) }

// answeredIDs splits a list of an answer, even with separators other than '|': otherwise refused recipients
// would count as reached.
func answeredIDs(joined string) []string {
	return splitIDs(separators.Replace(joined))
}

var separators = strings.NewReplacer(",", "|", ";", "|")

// IDList is a list that WeCom writes as an array in some answers and joined by '|' in others. Absent, null
// and "" mean the empty list.
type IDList []string

// UnmarshalJSON reads either form.
func (l *IDList) UnmarshalJSON(data []byte) error {
	var joined string
	if json.Unmarshal(data, &joined) == nil {
		*l = answeredIDs(joined)
		return nil
	}
	var ids []string
	if err := json.Unmarshal(data, &ids); err != nil {
		return errors.New("want an array of ids, or ids joined by '|'")
	}
	*l = ids
	return nil
}
