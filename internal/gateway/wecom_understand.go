package gateway

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// inbound is a WeCom client's message, parsed and judged as WeCom would.
type inbound struct {
	app     App
	body    tolerance.Object
	content *tolerance.Content
	cut     []string // names of the fields that were cut
	unknown []string // unknown members that are passed on; "msgtype" for an unknown type
}

// understand parses a message. What WeCom would refuse is refused with WeCom's errcode; our own text names the member.
func (c *wecomCall) understand(data []byte) (*inbound, error) {
	body, err := tolerance.Parse(data)
	if err != nil {
		return nil, wecomRefusal(err, nil)
	}
	in := &inbound{body: body, cut: shorten(body)}
	judge := tolerance.Judge{Future: true, Agent: func(body tolerance.Object) error {
		var err error
		in.app, err = c.agent(body)
		return err
	}}
	if in.content, err = judge.Message(body); err != nil {
		return nil, wecomRefusal(err, body.JSON())
	}
	if kind := body.Str("msgtype"); !tolerance.Known(kind) || slices.Contains(message.Types(), message.Type(kind)) {
		in.unknown = message.Unknown(body.JSON())
	}
	return in, nil
}

// agent finds the app of a body.
func (c *wecomCall) agent(body tolerance.Object) (App, error) {
	id, err := tolerance.Agent(body)
	switch {
	case errors.Is(err, wecom.Code(41011)):
		return c.appOf("")
	case err != nil:
		return App{}, refuse(40056, "agentid %.40q is not the number of an application", body.Str("agentid"))
	}
	return c.appOf(strconv.FormatInt(id, 10))
}

// wecomRefusal is the errcode of a verdict, with the text of our own checks if they reject the same member.
func wecomRefusal(err error, body []byte) error {
	if refusal, ok := errors.AsType[*refusalError](err); ok {
		return refusal
	}
	if refusal, ok := errors.AsType[*tolerance.RefusalError](err); ok {
		return refuse(refusal.Code, "%s", refusal.Text)
	}
	code := wecom.CodeInvalidParameter
	errors.As(err, &code)
	request, err := message.ParseLenient(body)
	if err == nil {
		err = message.ValidateContent(request)
	}
	if invalid, ok := asValidation(err); ok {
		for _, field := range invalid.Fields {
			if field.Code() == code {
				return refuse(code, "%s", field.Error())
			}
		}
	}
	return refuse(code, "%s", code.Meaning())
}

// request is the message to enqueue: its content unchanged, and the common members in WeCom's documented form.
func (r *sendReply) request(in *inbound) (message.Request, error) {
	to, err := r.sortOut(tolerance.To(in.body))
	if err != nil {
		return nil, err
	}
	kind := in.body.Str("msgtype")
	common := &message.SendRequestCommon{
		MsgType: kind, AgentID: in.app.AgentID, Safe: int(in.content.Safe),
		EnableIDTrans: onOff(in.body, "enable_id_trans"), EnableDuplicateCheck: onOff(in.body, "enable_duplicate_check"),
		// WeCom does not document its behaviour above the maximum.
		DuplicateCheckInterval: int(min(max(in.body.Flag("duplicate_check_interval"), 0), message.MaxDuplicateCheckInterval)),
	}
	rest := in.body.Without(func(name string) bool {
		return isCommon[name] || name != kind && tolerance.Known(name) // the content of another msgtype
	})
	return message.WithRecipients(message.RawRequest{SendRequestCommon: common, Members: rest.JSON()}, to), nil
}

// isCommon has the members of [message.SendRequestCommon].
var isCommon = map[string]bool{
	"touser": true, "toparty": true, "totag": true, "msgtype": true, "agentid": true, "safe": true,
	"enable_id_trans": true, "enable_duplicate_check": true, "duplicate_check_interval": true,
}

func onOff(body tolerance.Object, name string) int {
	if body.Flag(name) == 1 {
		return 1
	}
	return 0
}

// warnings have the format of WeCom's "ok. Warning: wrong json format. ".
func (in *inbound) warnings() string {
	var b strings.Builder
	if in.body.Wrong() {
		b.WriteString("Warning: wrong json format. ")
	}
	if len(in.cut) > 0 {
		b.WriteString("Warning: too long and cut: " + strings.Join(in.cut, ", ") + ". ")
	}
	if len(in.unknown) > 0 {
		b.WriteString("Warning: not known to wecomq and passed on: " + strings.Join(in.unknown, ", ") + ". ")
	}
	if b.Len() == 0 {
		return ""
	}
	return ". " + b.String()
}

// countUnknown counts messages passed on with unknown parts.
func (c *wecomCall) countUnknown(in *inbound) {
	if len(in.unknown) == 0 || c.services.Unknown == nil {
		return
	}
	what := UnknownMember
	if slices.Contains(in.unknown, "msgtype") {
		what = UnknownType
	}
	c.services.Unknown(in.app.Name, what)
}
