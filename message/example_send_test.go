package message_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// newSimulated gives a client of a simulated WeCom. Leave BaseURL out for WeCom itself.
func newSimulated(rules wecomtest.Rules) (client *message.Client, api *wecom.Client, done func()) {
	sim, err := wecomtest.New(rules)
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(sim)
	api, err = wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL})
	if err != nil {
		panic(err)
	}
	return message.NewClient(api, "1000002"), api, server.Close
}

func toUsers(users string) *message.SendRequestCommon {
	return &message.SendRequestCommon{ToUser: users}
}

func ExampleClient_SendMarkdown() {
	client, _, done := newSimulated(wecomtest.Rules{})
	defer done()
	response, err := client.SendMarkdown(message.SendMarkdownRequest{
		SendRequestCommon: toUsers("chen.li"),
		Markdown:          message.MarkdownField{Content: "### Disk alert\n> db-03: <font color=\"warning\">93%</font>"},
	})
	fmt.Println(response.ErrCode, err)
	// Output: 0 <nil>
}

func ExampleClient_SendTextCard() {
	client, _, done := newSimulated(wecomtest.Rules{})
	defer done()
	response, err := client.SendTextCard(message.SendTextCardRequest{
		SendRequestCommon: toUsers("chen.li"),
		TextCard:          message.TextCardField{Title: "Leave request", Description: "2 days from Monday", URL: "https://oa.example.com/88"},
	})
	fmt.Println(response.ErrCode, err)
	// Output: 0 <nil>
}

func ExampleClient_SendNews() {
	client, _, done := newSimulated(wecomtest.Rules{})
	defer done()
	response, err := client.SendNews(message.SendNewsRequest{
		SendRequestCommon: toUsers("@all"),
		News:              message.NewsField{Articles: []message.NewsArticle{{Title: "Canteen menu", URL: "https://intra.example.com/menu"}}},
	})
	fmt.Println(response.ErrCode, err)
	// Output: 0 <nil>
}

// A media_id comes from an upload, lasts three days, and is of one type.
func ExampleClient_SendImage() {
	client, api, done := newSimulated(wecomtest.Rules{})
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	media, err := api.UploadMedia(ctx, wecom.MediaImage, "chart.png", []byte("\x89PNG\r\n\x1a\n… the rest of the file"))
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := client.SendImageContext(ctx, message.SendImageRequest{
		SendRequestCommon: toUsers("chen.li"), Image: message.ImageField{MediaID: media.ID},
	})
	fmt.Println(response.ErrCode, err)
	// Output: 0 <nil>
}

// WeCom takes a message when one of its recipients can get it, and names the others.
func ExampleSendResponse_InvalidUsers() {
	client, _, done := newSimulated(wecomtest.Rules{Invisible: []string{"left.company"}})
	defer done()
	response, err := client.SendText(message.SendTextRequest{
		SendRequestCommon: toUsers("chen.li|left.company"), Text: message.TextField{Content: "Disk full on db-03"},
	})
	fmt.Println(response.ErrCode, response.InvalidUsers(), err)
	// Output: 0 [left.company] <nil>
}

// A refusal is a Go error. Its class says what it means, its hint what to do.
func ExampleClient_errcode() {
	client, _, done := newSimulated(wecomtest.Rules{Invisible: []string{"left.company"}})
	defer done()
	_, err := client.SendText(message.SendTextRequest{
		SendRequestCommon: toUsers("left.company"), Text: message.TextField{Content: "hello"},
	})
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		fmt.Println(refused.Code.Class(), int64(refused.Code))
	}
	fmt.Println(errors.Is(err, wecom.Code(81013)), wecom.ClassOf(err) == wecom.ClassRecipient)
	// Output:
	// recipient 81013
	// true true
}

func ExampleClient_Recall() {
	client, _, done := newSimulated(wecomtest.Rules{})
	defer done()
	sent, err := client.SendText(message.SendTextRequest{
		SendRequestCommon: toUsers("chen.li"), Text: message.TextField{Content: "Wrong number, sorry"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := client.Recall(message.RecallRequest{MsgID: sent.MsgID}) // within 24 h
	fmt.Println(response.ErrCode, err)
	// Output: 0 <nil>
}

// An approval: the card has buttons, and once somebody has decided it says so to all.
func ExampleClient_UpdateTemplateCard() {
	client, _, done := newSimulated(wecomtest.Rules{})
	defer done()
	sent, err := client.SendTemplateCard(message.SendTemplateCardRequest{
		SendRequestCommon: toUsers("chen.li|zhao.min"),
		TemplateCard: message.TemplateCardField{
			CardType:   message.CardButtonInteraction,
			TaskID:     "leave-88",
			MainTitle:  &message.CardMainTitle{Title: "Leave request", Desc: "Wang Wu, 2 days from Monday"},
			ButtonList: []message.CardButton{{Text: "Approve", Key: "approve"}, {Text: "Refuse", Key: "refuse"}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	updated, err := client.UpdateTemplateCard(message.UpdateTemplateCardRequest{ // once, within 72 h
		AtAll: 1, ResponseCode: sent.ResponseCode, Button: &message.CardReplaceButton{ReplaceName: "Approved by Chen Li"},
	})
	fmt.Println(updated.ErrCode, err)
	// Output: 0 <nil>
}

// Send posts any value, also one of a type that this package does not know.
func ExampleClient_Send() {
	poster := new(recorder) // a *wecom.Client
	_, err := message.NewClient(poster, "1000002").Send(message.APISend, map[string]any{
		"touser": "chen.li", "msgtype": "hologram", "agentid": 1000002, "hologram": map[string]any{"content": "hi"},
	})
	fmt.Println(poster.posted, err)
	// Output: message/send {"agentid":1000002,"hologram":{"content":"hi"},"msgtype":"hologram","touser":"chen.li"} <nil>
}
