package message_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// What programs rely on that were written for the package that this one grew out of.

func TestMarshallingACommonPartShowsAllOfIt(t *testing.T) {
	t.Parallel()
	const want = `{"touser":"","toparty":"","totag":"","msgtype":"","agentid":"","safe":0,"enable_id_trans":0,` +
		`"enable_duplicate_check":0,"duplicate_check_interval":0}`
	for name, tt := range map[string]struct {
		value any
		want  string
	}{
		"alone":            {message.SendRequestCommon{}, want},
		"in a request":     {message.SendTextRequest{SendRequestCommon: new(message.SendRequestCommon)}, want[:len(want)-1] + `,"text":{"content":""}}`},
		"in a raw request": {message.RawRequest{SendRequestCommon: new(message.SendRequestCommon), Members: json.RawMessage(`{ "a":1}`)}, want[:len(want)-1] + `,"a":1}`},
	} {
		got, err := json.Marshal(tt.value)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, %v\nwant %s", name, got, err, tt.want)
		}
	}
}

func TestTheMethodSetsTheMsgType(t *testing.T) {
	t.Parallel()
	poster := &fakePoster{}
	client := message.NewClient(poster, "12")
	common := to("chen.li")
	if _, err := client.SendText(message.SendTextRequest{SendRequestCommon: common, Text: message.TextField{Content: "hi"}}); err != nil {
		t.Fatal(err)
	}
	if common.MsgType != "text" || common.AgentID != "" {
		t.Errorf("after SendText the common part is %+v", *common)
	}
	if _, err := client.SendImage(message.SendImageRequest{SendRequestCommon: common, Image: message.ImageField{MediaID: "m"}}); err != nil {
		t.Fatal(err)
	}
	if common.MsgType != "image" || !strings.Contains(poster.posts[1].Body, `"msgtype":"image"`) {
		t.Errorf("SendImage with the part of a text: %+v, %s", *common, poster.posts[1].Body)
	}
}

func TestSendersShareACommonPart(t *testing.T) {
	t.Parallel()
	client := messageClient(t)
	common := to("chen.li")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			_, err := client.SendText(message.SendTextRequest{SendRequestCommon: common, Text: message.TextField{Content: "hi"}})
			if err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			_, err := client.SendMarkdown(message.SendMarkdownRequest{SendRequestCommon: common, Markdown: message.MarkdownField{Content: "hi"}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestARefusalBeforeTheCallHasWeComsCode(t *testing.T) {
	t.Parallel()
	late := text("hi")
	late.EnableDuplicateCheck, late.DuplicateCheckInterval = 1, message.MaxDuplicateCheckInterval+1
	nobody := text("hi")
	nobody.ToUser = ""
	for name, tt := range map[string]struct {
		request message.SendTextRequest
		want    wecom.Code
	}{
		"a text of 2049 bytes":    {text(strings.Repeat("x", message.MaxTextBytes+1)), 45002},
		"an empty text":           {text(""), 44004},
		"an interval over 4 h":    {late, 40058},
		"nobody":                  {nobody, 82001},
		"a display name":          {message.SendTextRequest{SendRequestCommon: to("陈力"), Text: message.TextField{Content: "hi"}}, 40031},
		"without its common part": {message.SendTextRequest{}, 40058},
	} {
		poster := &fakePoster{}
		reply, err := message.NewClient(poster, "12").SendText(tt.request)
		if err == nil || reply == nil || reply.ErrCode != int64(tt.want) || reply.ErrMsg != err.Error() || len(poster.posts) > 0 {
			t.Errorf("%s: %+v, %v, posted %v; want %d", name, reply, err, poster.posts, int64(tt.want))
		}
	}
	recalled, err := message.NewClient(&fakePoster{}, "12").Recall(message.RecallRequest{})
	if err == nil || recalled == nil || recalled.ErrCode != 40058 {
		t.Errorf("a recall of nothing: %+v, %v", recalled, err)
	}
}
