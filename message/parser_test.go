package message_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
)

func TestParseTakesWhatWeComTakes(t *testing.T) {
	t.Parallel()
	full := message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{
			ToUser: "a", MsgType: "text", AgentID: "1000002", Safe: 1, EnableDuplicateCheck: 1, DuplicateCheckInterval: 600,
		},
		Text: message.TextField{Content: "hi"},
	}
	bare := message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "a", MsgType: "text"},
		Text:              message.TextField{Content: "告警 😀\n"},
	}
	tests := []struct {
		name, body string
		want       message.Request
	}{
		{"numbers", `{"touser":"a","msgtype":"text","agentid":1000002,"safe":1,"enable_duplicate_check":1,` +
			`"duplicate_check_interval":600,"text":{"content":"hi"}}`, full},
		{"strings of digits", `{"touser":"a","msgtype":"text","agentid":"1000002","safe":"1","enable_duplicate_check":"1",` +
			`"duplicate_check_interval":"600","text":{"content":"hi"}}`, full},
		{"null for an absent member", `{"touser":"a","toparty":null,"msgtype":"text","agentid":null,"safe":null,` +
			`"markdown":null,"text":{"content":"告警 😀\n"}}`, bare},
		{"escapes and blanks", "\n{\t\"touser\" : \"\\u0061\" ,\"msgtype\":\"text\",\"text\":{\"content\":" +
			"\"\\u544a\\u8b66 \\uD83D\\ude00\\n\"} } ", bare},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, parse(t, tt.body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	types := fmt.Sprint(message.Types())
	tests := []struct {
		name, body, want string
	}{
		{"an unknown member", `{"msgtype":"text","tousers":"a"}`, `tousers: unknown field; did you mean "touser"?`},
		{
			"an unknown member deep down", `{"msgtype":"template_card","template_card":{"main_titel":{"title":"x"}}}`,
			`template_card.main_titel: unknown field; did you mean "main_title"?`,
		},
		{
			"an unknown member in a list", `{"msgtype":"news","news":{"articles":[{"title":"x"},{"titel":"x"}]}}`,
			`news.articles[1].titel: unknown field; did you mean "title"?`,
		},
		{
			"a msgtype that nobody knows", `{"msgtype":"markdwon","markdown":{"content":"x"}}`,
			`msgtype: "markdwon" is not known; want one of ` + types + `; did you mean "markdown"?`,
		},
		{
			"a misspelt msgtype", `{"mgstype":"text","text":{"content":"x"}}`,
			`msgtype: missing, and there is "mgstype"; want one of ` + types,
		},
		{"a member in the wrong case", `{"msgtype":"text","Text":{"content":"x"}}`, `Text: unknown field; did you mean "text"?`},
		{
			"the content of another msgtype", `{"msgtype":"markdown","text":{"content":""},"markdown":{"content":"x"}}`,
			"text: the content of another msgtype; remove it",
		},
		{
			"several things", `{"msgtype":"text","safe":"x","text":{"content":5,"x":1}}`,
			`safe: a string ("x"), want a whole number; text.content: a number (5), want a string; text.x: unknown field`,
		},
		{"a repeated member", `{"msgtype":"text","text":{"content":"a","content":"b"}}`, "text.content: given twice"},
		{"a repeated member in two spellings", `{"msgtype":"text","touser":"a","to\u0075ser":"b"}`, "touser: given twice"},
		{"a string for an object", `{"msgtype":"text","text":"hi"}`, `text: a string ("hi"), want an object`},
		{"an object for an array", `{"msgtype":"news","news":{"articles":{}}}`, "news.articles: an object, want an array"},
		{"an array for a string", `{"msgtype":"text","touser":["a"]}`, "touser: an array, want a string"},
		{"a fraction for a whole number", `{"msgtype":"text","safe":1.0}`, "safe: a number (1.0), want a whole number"},
		{
			"an enormous number", `{"msgtype":"text","safe":99999999999999999999}`,
			"safe: a number (99999999999999999999), want a whole number",
		},
		{"an empty string for a number", `{"msgtype":"text","safe":""}`, `safe: a string (""), want a whole number`},
		{"a fraction for the agentid", `{"msgtype":"text","agentid":1e6}`, "agentid: a number (1e6), want digits"},
		{"a boolean for the agentid", `{"msgtype":"text","agentid":true}`, "agentid: a boolean (true), want a string"},
		{
			"a number for a boolean", `{"msgtype":"miniprogram_notice","miniprogram_notice":{"emphasis_first_item":1}}`,
			"miniprogram_notice.emphasis_first_item: a number (1), want true or false",
		},
		{
			"a string for a decimal", `{"msgtype":"template_card","template_card":{"card_image":{"aspect_ratio":"2"}}}`,
			`template_card.card_image.aspect_ratio: a string ("2"), want a number`,
		},
		{
			"half of an emoji", `{"msgtype":"text","text":{"content":"\ud83d"}}`,
			`text.content: holds half of a \u surrogate pair; the text was cut inside a character`,
		},
		{
			"a list without an end", `{"msgtype":"news","news":{"articles":[` + strings.Repeat("{},", 100) + `{}]}}`,
			"news.articles: more than 100 items",
		},
		{"no msgtype", `{"touser":"a"}`, "msgtype: missing; want one of " + types},
		{"an unknown msgtype", `{"msgtype":"sms"}`, `msgtype: "sms" is not known; want one of ` + types},
		{"a msgtype that is no string", `{"msgtype":1}`, "msgtype: is a number; want one of " + types},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := message.Parse([]byte(tt.body))
			if _, ok := errors.AsType[*message.ValidationError](err); !ok {
				t.Fatalf("got %v, want a ValidationError", err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseRefusesWhatIsNoMessage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, want string
	}{
		{"nothing", "", "parse message: the body is not JSON: line 1, byte 0: unexpected end of JSON input"},
		{"an array", ` ["text"]`, "parse message: the body is an array, want an object"},
		{"null", "null", "parse message: the body is null, want an object"},
		{"half a message", "{\n\"msgtype\":", "parse message: the body is not JSON: line 2, byte 12: unexpected end of JSON input"},
		{
			"two messages", `{"msgtype":"text"}{}`,
			"parse message: the body is not JSON: line 1, byte 19: invalid character '{' after top-level value",
		},
		{"what is not UTF-8", "{\"a\":\"\xff\"}", "parse message: the body is not UTF-8 from byte 6 on"},
		{
			"too much", strings.Repeat(" ", message.MaxBodyBytes+3),
			"parse message: the body has 8388611 bytes, 3 more than the limit of 8388608",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := message.Parse([]byte(tt.body))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseReadsABodyOfTheGreatestSize(t *testing.T) {
	t.Parallel()
	body := encode(t, text("hi"))
	parse(t, body+strings.Repeat(" ", message.MaxBodyBytes-len(body)))
}

func TestParseLenientTakesWhatAlertmanagerPosts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alertmanager_0.json", "alertmanager_1.json"} {
		body, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		request, err := message.ParseLenient(body)
		if err != nil {
			t.Fatal(err)
		}
		if err := message.Validate(request); err != nil {
			t.Error(err)
		}
		if markdown, ok := request.(message.SendMarkdownRequest); !ok || markdown.AgentID != "1000002" {
			t.Errorf("got %#v, want markdown of agent 1000002", request)
		}
	}
}

func TestParseLenientIgnoresOnlyWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	request, err := message.ParseLenient([]byte(`{"x":[{}],"msgtype":"text","text":{"content":"hi","y":"\"}"},"image":5}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := request.(message.SendTextRequest); !ok || got.Text.Content != "hi" {
		t.Errorf("got %#v", request)
	}
	_, err = message.ParseLenient([]byte(`{"msgtype":"text","safe":"no"}`))
	if err == nil || err.Error() != `safe: a string ("no"), want a whole number` {
		t.Errorf("a wrong type: %v", err)
	}
}

// anyRequest draws a request of some type, valid or not.
func anyRequest(t *rapid.T) message.Request {
	common := &message.SendRequestCommon{
		ToUser:  rapid.StringMatching(`[a-z|]{0,9}`).Draw(t, "touser"),
		AgentID: rapid.SampledFrom([]string{"", "1000002", "007", "x\"y", "12345678901234567890"}).Draw(t, "agentid"),
		Safe:    rapid.IntRange(-1, 3).Draw(t, "safe"),
	}
	str := rapid.String()
	switch rapid.IntRange(0, 3).Draw(t, "type") {
	case 0:
		return message.SendTextRequest{SendRequestCommon: common, Text: message.TextField{Content: str.Draw(t, "content")}}
	case 1:
		return message.SendNewsRequest{SendRequestCommon: common, News: message.NewsField{
			Articles: rapid.SliceOf(rapid.Custom(func(t *rapid.T) message.NewsArticle {
				return message.NewsArticle{Title: str.Draw(t, "title"), URL: str.Draw(t, "url")}
			})).Draw(t, "articles"),
		}}
	case 2:
		return message.SendMiniProgramNoticeRequest{SendRequestCommon: common, MiniProgramNotice: message.MiniProgramNoticeField{
			AppID: str.Draw(t, "appid"), EmphasisFirstItem: rapid.Bool().Draw(t, "emphasis"),
			ContentItem: []message.NoticeItem{{Key: str.Draw(t, "key"), Value: str.Draw(t, "value")}},
		}}
	default:
		return message.SendTemplateCardRequest{SendRequestCommon: common, TemplateCard: message.TemplateCardField{
			CardType:   message.CardType(str.Draw(t, "card_type")),
			Source:     &message.CardSource{Desc: str.Draw(t, "desc"), DescColor: message.ColorRed},
			CardImage:  &message.CardImage{AspectRatio: rapid.Float64Range(-9, 9).Draw(t, "ratio")},
			ButtonList: []message.CardButton{{Text: str.Draw(t, "text"), Style: message.ButtonNegative}},
		}}
	}
}

func TestEncodingWhatWasParsedGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body, err := message.Encode(anyRequest(t))
		if err != nil {
			t.Fatal(err)
		}
		request, err := message.Parse(body)
		if err != nil {
			t.Fatalf("parse %s: %v", body, err)
		}
		again, err := message.Encode(request)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(body), string(again)); diff != "" {
			t.Errorf("-first +second:\n%s", diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, sample := range samples.Messages() {
		f.Add([]byte(sample))
	}
	f.Add([]byte(`{"msgtype":"text","text":{"content":"\ud83d\ude00\u2028\\"},"agentid":"1","x":[{"y":null}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		strict, strictErr := message.Parse(body)
		request, err := message.ParseLenient(body)
		if strictErr == nil && !cmp.Equal(strict, request) {
			t.Errorf("strict and lenient differ: %s", cmp.Diff(strict, request))
		}
		if err != nil {
			return
		}
		_ = message.Validate(request)
		first := encode(t, request)
		if second := encode(t, parse(t, first)); first != second {
			t.Errorf("first  %s\nsecond %s", first, second)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	request := text(strings.Repeat("告警 CPU 95% ", 20))
	request.AgentID = "1000012"
	body := []byte(encode(b, request))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := message.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}
