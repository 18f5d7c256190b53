package message

import (
	"fmt"
	"reflect"
	"time"
)

// Request is a message to send: one of this package's SendXxxRequest types, or a pointer to one.
type Request interface {
	// Common is the part that all types share; nil if it is not set.
	Common() *SendRequestCommon
	// Type is the request's msgtype, whatever Common().MsgType says.
	Type() Type

	with(common *SendRequestCommon) Request
	check(c checker)
}

// SendRequestCommon holds the recipients, the sending application and the options of a message. At least one
// of ToUser, ToParty and ToTag is needed (90236). [json.Marshal] writes all members; [Encode], for WeCom,
// omits zero values.
type SendRequestCommon struct {
	// ToUser has userids joined by '|', at most [MaxUsers], or "@all" for everyone within the application's
	// visible range; ToParty and ToTag are then ignored.
	ToUser string `json:"touser"`
	// ToParty has department ids joined by '|', at most [MaxParties].
	ToParty string `json:"toparty"`
	// ToTag has tag ids joined by '|', at most [MaxTags].
	ToTag string `json:"totag"`
	// MsgType may be left empty: it follows from the request's type, and [Client.SendText] and its like set
	// it.
	MsgType string `json:"msgtype"`
	// AgentID is the application. If empty, it is encoded as "" for [FillAgentID].
	AgentID string `json:"agentid"`
	// Safe is 1 for a confidential message, 2 for one that can only be shared within the corporation (mpnews
	// only), 0 otherwise.
	Safe int `json:"safe"`
	// EnableIDTrans is 1 to replace $userName=ID$ and the like at delivery.
	EnableIDTrans int `json:"enable_id_trans"`
	// EnableDuplicateCheck is 1 to suppress identical requests within DuplicateCheckInterval.
	EnableDuplicateCheck int `json:"enable_duplicate_check"`
	// DuplicateCheckInterval in seconds, at most [MaxDuplicateCheckInterval]; 0
	// means [DefaultDuplicateCheckInterval].
	DuplicateCheckInterval int `json:"duplicate_check_interval"`
}

// Common returns c; every request that embeds c has it.
func (c *SendRequestCommon) Common() *SendRequestCommon { return c }

// DuplicateCheckWindow is how long WeCom suppresses identical requests: 0 when the check is off,
// [DefaultDuplicateCheckInterval] when no interval is set.
func (c *SendRequestCommon) DuplicateCheckWindow() time.Duration {
	switch {
	case c.EnableDuplicateCheck == 0:
		return 0
	case c.DuplicateCheckInterval == 0:
		return DefaultDuplicateCheckInterval * time.Second
	default:
		return time.Duration(c.DuplicateCheckInterval) * time.Second
	}
}

// asRequest returns v if it is a request of this package. A foreign type that embeds one does not count: it
// has members that [Request] does not know.
func asRequest(v any) (Request, bool) {
	request, ok := v.(Request)
	if !ok {
		return nil, false
	}
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return request, t.PkgPath() == reflect.TypeFor[SendRequestCommon]().PkgPath()
}

// WithRecipients returns a copy of the request for other recipients. Its common part must not be nil.
func WithRecipients(request Request, to Recipients) Request {
	common := *request.Common()
	common.ToUser, common.ToParty, common.ToTag = joinIDs(to.Users), joinIDs(to.Parties), joinIDs(to.Tags)
	return request.with(&common)
}

// wireCommon is [SendRequestCommon] as posted to WeCom, without zero values. The msgtype and the agentid are
// always present, because they are filled in later.
type wireCommon struct {
	ToUser                 string `json:"touser,omitempty"`
	ToParty                string `json:"toparty,omitempty"`
	ToTag                  string `json:"totag,omitempty"`
	MsgType                string `json:"msgtype"`
	AgentID                string `json:"agentid"`
	Safe                   int    `json:"safe,omitempty"`
	EnableIDTrans          int    `json:"enable_id_trans,omitempty"`
	EnableDuplicateCheck   int    `json:"enable_duplicate_check,omitempty"`
	DuplicateCheckInterval int    `json:"duplicate_check_interval,omitempty"`
}

// wire returns the common part of the request with its msgtype filled in, as a copy.
func wire(request Request) (common wireCommon, err error) {
	if err := checkWhole(request); err != nil {
		return common, err
	}
	if problem := typeConflict(request); problem != "" {
		return common, &ValidationError{Fields: []FieldError{{Field: "msgtype", Problem: problem}}}
	}
	common = wireCommon(*request.Common())
	common.MsgType = string(request.Type())
	if namesAll(common.ToUser) {
		common.ToUser = AllUsers // WeCom documents this spelling only
	}
	return common, nil
}

// checkWhole rejects a request that is nil or has no common part.
func checkWhole(request Request) error {
	if isNil(request) {
		return fmt.Errorf("message: the request (%T) is nil", request)
	}
	if request.Common() == nil {
		return fmt.Errorf("message: %T has a nil SendRequestCommon, which says who gets the message", request)
	}
	return nil
}

func isNil(request any) bool {
	v := reflect.ValueOf(request)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func typeConflict(request Request) string {
	given, own := request.Common().MsgType, string(request.Type())
	if given == "" || given == own {
		return ""
	}
	return fmt.Sprintf("%s contradicts the request, which is %q; leave it empty", quote(given), own)
}
