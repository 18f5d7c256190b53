package wecom_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// A refusal carries the errcode, its class and what to do about it.
func ExampleClient_Post() {
	sim, err := wecomtest.New(wecomtest.Rules{Invisible: []string{"left.company"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(sim) // WeCom's place; leave BaseURL out for WeCom itself
	defer server.Close()
	client, err := wecom.NewClient(wecom.Config{
		CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	body := `{"touser":"left.company","msgtype":"text","agentid":1000002,"text":{"content":"hello"}}`
	err = client.Post(context.Background(), "message/send", []byte(body), nil)
	fmt.Println(errors.Is(err, wecom.Code(81013)), wecom.ClassOf(err))
	fmt.Println(wecom.HintOf(err))
	// Output:
	// true recipient
	// Correct the recipients. Check the spelling and that the recipient is in the app's visible range (admin console: app, visible range).
}

func ExampleCode() {
	code := wecom.Code(45009)
	fmt.Println(code.Class(), "-", code.Meaning())
	fmt.Println(wecom.Code(1).Known(), wecom.Code(1).Class())
	// Output:
	// rate - API call frequency exceeded
	// false other
}

// A secret does not show itself, however it is printed.
func ExampleSecret() {
	cfg := wecom.Config{CorpID: "ww0123456789abcdef", Secret: "not to be seen"}
	fmt.Println(cfg.Secret)
	fmt.Printf("%+v\n", cfg)
	// Output:
	// ***
	// {CorpID:ww0123456789abcdef Secret:*** BaseURL: Timeout:0s Transport:<nil> TokenStore:<nil>}
}

// The scope tells a fault of the settings that stops one kind of message from one that
// stops the whole app.
func ExampleCode_Scope() {
	for _, code := range []wecom.Code{48002, 60020} {
		fmt.Println(int64(code), code.Class(), code.Scope())
	}
	// Output:
	// 48002 config message
	// 60020 config app
}
