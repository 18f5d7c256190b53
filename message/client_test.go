package message_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

var _ message.Poster = (*wecom.Client)(nil)

// post is one call of a fakePoster.
type post struct {
	API, Body string
}

// fakePoster answers every call alike and remembers what was posted.
type fakePoster struct {
	answer string
	err    error
	posts  []post
	values []any // of the contexts, under contextKey
}

type contextKey struct{}

func (p *fakePoster) Post(ctx context.Context, api string, body []byte, reply any) error {
	p.posts = append(p.posts, post{api, string(body)})
	p.values = append(p.values, ctx.Value(contextKey{}))
	if p.answer != "" {
		if err := json.Unmarshal([]byte(p.answer), reply); err != nil {
			return err
		}
	}
	return p.err
}

func TestEverySenderPostsItsMessage(t *testing.T) {
	t.Parallel()
	ctx := context.WithValue(t.Context(), contextKey{}, "mine")
	for _, sample := range samples.Messages() {
		poster := &fakePoster{answer: `{"errcode":0,"errmsg":"ok","msgid":"m1"}`}
		client := message.NewClient(poster, "1000012")
		request := parse(t, sample)
		reply, withContext, err := sendTyped(ctx, client, request)
		if err != nil || reply.MsgID != "m1" || withContext.MsgID != "m1" {
			t.Fatalf("%s: %v, %v, %v", request.Type(), reply, withContext, err)
		}
		if request.Common().AgentID != "" {
			t.Errorf("%s: the client changed the request", request.Type())
		}
		request.Common().AgentID = "1000012"
		want := post{"message/send", encode(t, request)}
		if diff := cmp.Diff([]post{want, want}, poster.posts); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]any{nil, "mine"}, poster.values); diff != "" {
			t.Errorf("contexts (-want +got):\n%s", diff)
		}
	}
}

// sendTyped calls both forms of the request's method.
func sendTyped(ctx context.Context, c *message.Client, request message.Request) (plain, withContext *message.SendResponse, err error) {
	name := strings.TrimSuffix(reflect.TypeOf(request).Name(), "Request")
	plain, err = call(c, name, request)
	if err != nil {
		return nil, nil, err
	}
	withContext, err = call(c, name+"Context", ctx, request)
	return plain, withContext, err
}

// call calls a method by its name.
func call(c *message.Client, method string, args ...any) (*message.SendResponse, error) {
	m := reflect.ValueOf(c).MethodByName(method)
	if !m.IsValid() {
		return nil, fmt.Errorf("message/client.go: there is no (*Client).%s", method)
	}
	values := make([]reflect.Value, len(args))
	for i, arg := range args {
		values[i] = reflect.ValueOf(arg)
	}
	out := m.Call(values)
	reply, _ := reflect.TypeAssert[*message.SendResponse](out[0])
	err, _ := reflect.TypeAssert[error](out[1])
	return reply, err
}

func TestSendTakesAnyRequest(t *testing.T) {
	t.Parallel()
	own := text("hi")
	own.AgentID = "7"
	typed := `{"touser":"chen.li","msgtype":"text","agentid":12,"text":{"content":"hi"}}`
	tests := []struct {
		name, api string
		request   any
		want      post
	}{
		{name: "under its full name", api: "message/send", request: text("hi"), want: post{"message/send", typed}},
		{name: "by path", api: "/cgi-bin/message/send", request: text("hi"), want: post{"message/send", typed}},
		{name: "by path without the slash", api: "cgi-bin/message/send", request: text("hi"), want: post{"message/send", typed}},
		{name: "for short", api: "send", request: text("hi"), want: post{"message/send", typed}},
		{name: "with an agentid of its own", api: "send", request: own, want: post{"message/send", strings.Replace(typed, "12", "7", 1)}},
		{name: "as raw JSON without an agentid", api: "send", request: json.RawMessage(`{"a":1}`), want: post{"message/send", `{"agentid":12,"a":1}`}},
		{name: "as a map that is empty", api: "send", request: map[string]any{}, want: post{"message/send", `{"agentid":12}`}},
		{name: "under the name of a method", api: "SendText", request: text("hi"), want: post{"message/send", typed}},
		{name: "under no name", request: text("hi"), want: post{"message/send", typed}},
		{name: "under the path of another API", api: "appchat/send", request: map[string]any{"agentid": ""}, want: post{"message/send", `{"agentid":12}`}},
		{
			name: "of the caller's own type", api: "send", request: &custom{SendRequestCommon: to("a"), Sticker: "s"},
			want: post{"message/send", `{"touser":"a","toparty":"","totag":"","msgtype":"","agentid":12,"safe":0,"enable_id_trans":0,"enable_duplicate_check":0,` +
				`"duplicate_check_interval":0,"sticker":"s"}`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			poster := &fakePoster{}
			if _, err := message.NewClient(poster, "12").Send(tt.api, tt.request); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]post{tt.want}, poster.posts); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

type custom struct {
	*message.SendRequestCommon
	Sticker string `json:"sticker"`
}

func TestNothingIsPostedOfABadRequest(t *testing.T) {
	t.Parallel()
	crowd := text("hi")
	crowd.ToUser += strings.Repeat("|a", message.MaxUsers)
	tests := []struct {
		name string
		send func(c *message.Client) error
		want string
	}{
		{
			"an empty text", func(c *message.Client) error { _, err := c.SendText(text("")); return err },
			"text.content: missing or empty",
		},
		{
			"too many recipients", func(c *message.Client) error { _, err := c.SendText(crowd); return err },
			"touser: 1001 userids, 1 more than WeCom's limit of 1000 in one message",
		},
		{
			"no common part", func(c *message.Client) error { _, err := c.SendText(message.SendTextRequest{}); return err },
			"message: message.SendTextRequest has a nil SendRequestCommon, which says who gets the message",
		},
		{
			"no object", func(c *message.Client) error { _, err := c.Send("send", "text"); return err },
			"encode message: string does not marshal to a JSON object",
		},
		{
			"a recall of nothing", func(c *message.Client) error { _, err := c.Recall(message.RecallRequest{}); return err },
			"msgid: missing or empty",
		},
		{"an update without its code", func(c *message.Client) error {
			_, err := c.UpdateTemplateCard(message.UpdateTemplateCardRequest{Button: &message.CardReplaceButton{ReplaceName: "x"}})
			return err
		}, "response_code: missing or empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			poster := &fakePoster{}
			if got := errorText(tt.send(message.NewClient(poster, "12"))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if len(poster.posts) > 0 {
				t.Errorf("posted %v", poster.posts)
			}
		})
	}
}

func TestARefusalCarriesCodeClassHintAndTheAnswer(t *testing.T) {
	t.Parallel()
	poster := &fakePoster{
		answer: `{"errcode":81013,"errmsg":"all invalid","invaliduser":"chen.li"}`,
		err:    &wecom.Error{API: "message/send", Code: 81013, Msg: "all invalid"},
	}
	reply, err := message.NewClient(poster, "12").SendText(text("hi"))
	var refused *wecom.Error
	if !errors.As(err, &refused) || !errors.Is(err, wecom.Code(81013)) || refused.Class() != wecom.ClassRecipient || refused.Hint() == "" {
		t.Errorf("error %v", err)
	}
	if reply == nil || reply.ErrCode != 81013 || reply.InvalidUser != "chen.li" {
		t.Errorf("answer %+v", reply)
	}
}

func TestAFailedCallHasNoAnswer(t *testing.T) {
	t.Parallel()
	cause := &wecom.CallError{API: "message/send", Sent: true, Err: context.DeadlineExceeded}
	reply, err := message.NewClient(&fakePoster{err: cause}, "12").SendText(text("hi"))
	if !errors.Is(err, context.DeadlineExceeded) || wecom.ClassOf(err) != wecom.ClassUnknownOutcome || reply != nil {
		t.Errorf("got %v, %v", reply, err)
	}
}
