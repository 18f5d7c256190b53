package wecomtest_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func Example() {
	sim, err := wecomtest.New(wecomtest.Rules{Invisible: []string{"ghost"}})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()

	// Any WeCom client does; here are the bare calls.
	call := func(method, path, body string) map[string]any {
		req, _ := http.NewRequest(method, server.URL+"/cgi-bin/"+path, strings.NewReader(body)) //nolint:noctx // an example
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var answer map[string]any
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return answer
	}
	token := call(http.MethodGet, "gettoken?corpid="+wecomtest.CorpID+"&corpsecret="+wecomtest.Secret, "")["access_token"]
	answer := call(http.MethodPost, fmt.Sprintf("message/send?access_token=%s", token),
		`{"touser":"Chen.Li|Ghost","msgtype":"text","agentid":1000002,"text":{"content":"Disk full"}}`)
	fmt.Println(answer["errcode"], answer["errmsg"], answer["invaliduser"])

	for _, m := range sim.Messages() {
		fmt.Println(m.Seq, m.To, m.Text)
	}
	// Output:
	// 0 ok ghost
	// 1 [chen.li] Disk full
}

func ExampleSimulator_AddFault() {
	sim, err := wecomtest.New(wecomtest.Rules{})
	if err != nil {
		log.Fatal(err)
	}
	// The answers to the next two sends are lost, although the messages arrive.
	err = sim.AddFault(wecomtest.Fault{API: "message/send", Times: 2, Reset: true, After: true})
	fmt.Println(err)
	err = sim.AddFault(wecomtest.Fault{API: "message/send", Reset: true, ErrCode: 45009})
	fmt.Println(err)
	// Output:
	// <nil>
	// fault: errcode, http_status, hang and reset exclude each other: keep one
}
