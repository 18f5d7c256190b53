package message_test

import (
	"context"
	"fmt"

	"github.com/wecomq/wecomq/message"
)

// recorder stands for a *wecom.Client: it keeps what would go to WeCom.
type recorder struct{ posted string }

func (r *recorder) Post(_ context.Context, api string, body []byte, _ any) error {
	r.posted = api + " " + string(body)
	return nil
}

func ExampleClient_SendText() {
	poster := new(recorder) // a *wecom.Client
	client := message.NewClient(poster, "1000002")
	_, err := client.SendText(message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "chen.li|wang_wu"},
		Text:              message.TextField{Content: "Build 4812 <b>failed</b>"},
	})
	fmt.Println(poster.posted, err)
	// Output:
	// message/send {"touser":"chen.li|wang_wu","msgtype":"text","agentid":1000002,"text":{"content":"Build 4812 <b>failed</b>"}} <nil>
}

func ExampleParse() {
	request, err := message.Parse([]byte(`{"touser":"chen.li","msgtype":"text","text":{"content":"hi"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := request.(message.SendTextRequest)
	fmt.Println(request.Type(), text.ToUser, text.Text.Content)

	_, err = message.Parse([]byte(`{"touser":"chen.li","msgtype":"text","text":{"contents":"hi"}}`))
	fmt.Println(err)
	// Output:
	// text chen.li hi
	// text.contents: unknown field; did you mean "content"?
}

func ExampleValidate() {
	err := message.Validate(message.SendNewsRequest{
		SendRequestCommon: &message.SendRequestCommon{ToParty: "sales"},
		News:              message.NewsField{Articles: []message.NewsArticle{{Title: "Menu", URL: "intra/menu"}}},
	})
	fmt.Println(err)
	// Output:
	// toparty: "sales" is not a department id: digits only; news.articles[0].url: "intra/menu" does not begin with http:// or https://
}

func ExampleEncode() {
	body, err := message.Encode(message.SendMarkdownRequest{
		SendRequestCommon: &message.SendRequestCommon{ToTag: "3"},
		Markdown:          message.MarkdownField{Content: "**db-03** is full"},
	})
	fmt.Printf("%s %v\n", body, err)
	fmt.Printf("%s\n", message.FillAgentID(body, "1000002"))
	// Output:
	// {"totag":"3","msgtype":"markdown","agentid":"","markdown":{"content":"**db-03** is full"}} <nil>
	// {"totag":"3","msgtype":"markdown","agentid":1000002,"markdown":{"content":"**db-03** is full"}}
}

func ExampleWithRecipients() {
	request := message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "chen.li|Chen.Li|wang_wu"},
		Text:              message.TextField{Content: "hi"},
	}
	once := message.WithRecipients(request, request.Recipients().Unique())
	fmt.Println(once.Common().ToUser)
	// Output:
	// chen.li|wang_wu
}
