package compose_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/message"
)

func ExampleCompile() {
	template, err := compose.TextTemplate(message.TypeText, `Dear {{or .name "colleague"}}, lunch is at noon.`)
	if err != nil {
		fmt.Println(err)
		return
	}
	list := strings.NewReader("userid,name\nchen.li,Li\nwang_wu,\nzhao,\nCHEN.LI,Li\n")
	compiled, err := compose.Compile(context.Background(), list, template, compose.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer compiled.Close() //nolint:errcheck // a list as short as this has no file

	fmt.Println(compiled.Summary.Recipients, "recipients,", compiled.Summary.Duplicates, "duplicate")
	for call, err := range compiled.Calls() {
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := template.Body(call)
		fmt.Println(string(body), err)
	}
	// Output:
	// 3 recipients, 1 duplicate
	// {"touser":"wang_wu|zhao","msgtype":"text","agentid":"","text":{"content":"Dear colleague, lunch is at noon."}} <nil>
	// {"touser":"chen.li","msgtype":"text","agentid":"","text":{"content":"Dear Li, lunch is at noon."}} <nil>
}

func ExampleListError() {
	template, err := compose.ParseTemplate([]byte(
		`{"msgtype":"textcard","textcard":{"title":"Hi {{.name}}","description":"Your seat: {{.seat}}","url":"https://example.com/{{urlquery .seat}}"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(template.Columns())
	for _, list := range []string{
		"userid,name\nchen.li,Li\n",
		"userid,name,seat\nchen.li,Li,A 7\n王五,Wu,A 8\n",
	} {
		_, err = compose.Compile(context.Background(), strings.NewReader(list), template, compose.Options{})
		fmt.Println(err)
	}
	// Output:
	// [name seat]
	// list: line 1, column "seat": the template uses it, but the list does not have it; there are userid, name
	// list: line 3, column "userid": "王五" is not a userid: 1 to 64 of A-Z a-z 0-9 _ - @ . beginning with a letter or digit; a display name does not work
}

func ExampleEncodeBlock() {
	block := compose.Block{{Users: []string{"chen.li", "wang_wu"}, Columns: []string{"noon"}}}
	stored, err := compose.EncodeBlock(block)
	if err != nil {
		fmt.Println(err)
		return
	}
	block, err = compose.DecodeBlock(stored)
	fmt.Println(block, err)
	// Output: [{[chen.li wang_wu] [noon]}] <nil>
}

func ExampleText() {
	template, err := compose.Text(message.TypeMarkdown, "Write {{.name}} into your **template**.")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(template.Static())
	body, err := template.Render(nil)
	fmt.Println(string(body), err)
	// Output:
	// true
	// {"msgtype":"markdown","agentid":"","markdown":{"content":"Write {{.name}} into your **template**."}} <nil>
}
