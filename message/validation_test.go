package message_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
)

// verdict is what Validate says of a message, "" when it is good.
func verdict(tb testing.TB, body string) string {
	tb.Helper()
	err := message.Validate(parse(tb, body))
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[*message.ValidationError](err); !ok {
		tb.Fatalf("got %v, want a ValidationError", err)
	}
	return err.Error()
}

// common is a text with these members beside its content.
func common(members string) string {
	return `{"msgtype":"text","text":{"content":"x"},` + members + `}`
}

// content is a message of the type to somebody.
func content(kind message.Type, members string) string {
	return fmt.Sprintf(`{"touser":"a","msgtype":"%s","%[1]s":%s}`, kind, members)
}

func list(item string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

// sized is a string of n ASCII letters.
func sized(n int) string { return strings.Repeat("x", n) }

type ruling struct {
	name, body, want string
}

func check(t *testing.T, tests []ruling) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, verdict(t, tt.body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestValidateTheCommonPart(t *testing.T) {
	t.Parallel()
	const notUser = " is not a userid: 1 to 64 of A-Z a-z 0-9 _ - @ . beginning with a letter or digit; a display name does not work"
	check(t, []ruling{
		{"a user, a party or a tag is enough", common(`"totag":"3"`), ""},
		{"nobody", common(`"touser":"|"`), "touser: nobody is named; set touser, toparty or totag"},
		{"every character of userids", common(`"touser":"aZ0_-@.|0"`), ""},
		{"a display name", common(`"touser":"a|张三"`), `touser: "张三"` + notUser},
		{"userids with another separator", common(`"touser":"a，b|c;d"`), `touser: "a，b"` + notUser + "; separate userids by |; " + `touser: "c;d"` + notUser + "; separate userids by |"},
		{"a userid beginning with a dot", common(`"touser":".a"`), `touser: ".a"` + notUser},
		{"a userid of 64 bytes", common(`"touser":"` + sized(64) + `"`), ""},
		{"a userid of 65 bytes", common(`"touser":"` + sized(65) + `"`), `touser: "` + sized(65) + `"` + notUser},
		{"a userid too long to show", common(`"touser":"` + sized(500) + `"`), `touser: "` + sized(80) + `…"` + notUser},
		{"a department name", common(`"toparty":"1|sales"`), `toparty: "sales" is not a department id: digits only`},
		{"a tag name", common(`"totag":"-1"`), `totag: "-1" is not a tag id: digits only`},
		{"everyone", common(`"touser":"@all"`), ""},
		{"everyone, with parties that WeCom ignores", common(`"touser":"@all","toparty":"@all"`), ""},
		{"everyone beside somebody", common(`"touser":"@all|a"`), `touser: "@all" cannot be combined with other userids; send it alone`},
		{"1000 users, 100 parties and 100 tags", common(fmt.Sprintf(`"touser":"a%s","toparty":"1%s","totag":"1%[2]s"`,
			strings.Repeat("|a", 999), strings.Repeat("|1", 99))), ""},
		{
			"one too many of each", common(fmt.Sprintf(`"touser":"a%s","toparty":"1%s","totag":"1%[2]s"`,
				strings.Repeat("|a", 1000), strings.Repeat("|1", 100))),
			"touser: 1001 userids, 1 more than WeCom's limit of 1000 in one message; " +
				"toparty: 101 department ids, 1 more than WeCom's limit of 100 in one message; " +
				"totag: 101 tag ids, 1 more than WeCom's limit of 100 in one message",
		},
		{"an agentid", common(`"touser":"a","agentid":1000002`), ""},
		{"a corpid for an agentid", common(`"touser":"a","agentid":"ww01"`), `agentid: "ww01" is not the number of an application`},
		{
			"a switch that is neither on nor off", common(`"touser":"a","enable_id_trans":2,"enable_duplicate_check":-1`),
			"enable_id_trans: 2; WeCom takes 0 (off) and 1 (on); enable_duplicate_check: -1; WeCom takes 0 (off) and 1 (on)",
		},
		{"the longest interval", common(`"touser":"a","enable_duplicate_check":1,"duplicate_check_interval":14400`), ""},
		{"an interval beside a check that is off", common(`"touser":"a","duplicate_check_interval":1800`), ""},
		{
			"an interval that is too long", common(`"touser":"a","duplicate_check_interval":14401`),
			"duplicate_check_interval: 14401 seconds; WeCom takes 1 to 14400, or 0 for 1800",
		},
		{
			"an interval that is negative", common(`"touser":"a","duplicate_check_interval":-1`),
			"duplicate_check_interval: -1 seconds; WeCom takes 1 to 14400, or 0 for 1800",
		},
	})
}

func TestValidateSafe(t *testing.T) {
	t.Parallel()
	highest := map[message.Type]int{
		message.TypeText: 1, message.TypeImage: 1, message.TypeVideo: 1, message.TypeFile: 1, message.TypeMpNews: 2,
	}
	takes := []string{"only 0: they cannot be confidential", "0 or 1", "0, 1 or 2"}
	for _, sample := range samples.Messages() {
		request := parse(t, sample)
		most := highest[request.Type()]
		for _, safe := range []int{-1, 0, 1, 2, 3} {
			request.Common().Safe = safe
			want := ""
			if safe < 0 || safe > most {
				want = fmt.Sprintf("safe: %d; messages of this type take %s", safe, takes[most])
			}
			if err := message.Validate(request); want != errorText(err) {
				t.Errorf("%s: got %q, want %q", request.Type(), errorText(err), want)
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestValidateTexts(t *testing.T) {
	t.Parallel()
	check(t, []ruling{
		{"a text without content", content("text", `{}`), "text.content: missing or empty"},
		{"2048 bytes of Chinese and emoji", content("text", `{"content":"`+strings.Repeat("字", 680)+"😀😀"+`"}`), ""},
		{
			"one character more", content("text", `{"content":"`+strings.Repeat("字", 680)+"😀😀😀"+`"}`),
			"text.content: 2052 bytes, 4 more than WeCom's limit of 2048 (it would cut the rest silently)",
		},
		{"markdown without content", content("markdown", `{}`), "markdown.content: missing or empty"},
		{"2048 bytes of markdown", content("markdown", `{"content":"`+sized(2048)+`"}`), ""},
		{
			"2049 bytes of markdown", content("markdown", `{"content":"`+sized(2046)+"字"+`"}`),
			"markdown.content: 2049 bytes, 1 more than WeCom's limit of 2048 (it may cut or refuse the rest)",
		},
		{
			"a textcard that is empty", content("textcard", `{}`),
			"textcard.title: missing or empty; textcard.description: missing or empty; textcard.url: missing or empty",
		},
		{"a textcard as full as can be", content("textcard", `{"title":"`+strings.Repeat("字", 128)+`","description":"`+
			strings.Repeat("😀", 512)+`","url":"https://`+sized(2040)+`","btntxt":"查看详情"}`), ""},
		{
			"a textcard one character fuller", content("textcard", `{"title":"`+strings.Repeat("字", 129)+`","description":"`+
				strings.Repeat("😀", 513)+`","url":"https://`+sized(2041)+`","btntxt":"查看详情了"}`),
			"textcard.title: 129 characters, 1 more than WeCom's limit of 128 (it would cut the rest silently); " +
				"textcard.description: 513 characters, 1 more than WeCom's limit of 512 (it would cut the rest silently); " +
				"textcard.url: 2049 bytes, 1 more than WeCom's limit of 2048 (it would refuse the message); " +
				"textcard.btntxt: 5 characters, 1 more than WeCom's limit of 4 (it would cut the rest silently)",
		},
		{
			"a link that opens nothing", content("textcard", `{"title":"t","description":"d","url":"ftp://x"}`),
			`textcard.url: "ftp://x" does not begin with http:// or https://`,
		},
		{"a link in capitals", content("textcard", `{"title":"t","description":"d","url":"HTTP://X"}`), ""},
	})
}

func TestValidateMedia(t *testing.T) {
	t.Parallel()
	check(t, []ruling{
		{"an image without media", content("image", `{}`), "image.media_id: missing or empty"},
		{"a voice without media", content("voice", `{}`), "voice.media_id: missing or empty"},
		{"a file without media", content("file", `{}`), "file.media_id: missing or empty"},
		{
			"a video with long texts", content("video", `{"title":"`+sized(129)+`","description":"`+sized(513)+`"}`),
			"video.media_id: missing or empty; " +
				"video.title: 129 bytes, 1 more than WeCom's limit of 128 (it would cut the rest silently); " +
				"video.description: 513 bytes, 1 more than WeCom's limit of 512 (it would cut the rest silently)",
		},
		{"a video as full as can be", content("video", `{"media_id":"m","title":"`+sized(128)+`","description":"`+sized(512)+`"}`), ""},
	})
}

func TestValidateArticles(t *testing.T) {
	t.Parallel()
	const link = `{"title":"t","url":"http://x"}`
	const stored = `{"title":"t","thumb_media_id":"m","content":"c"}`
	check(t, []ruling{
		{"no news", content("news", `{}`), "news.articles: 0 items; WeCom takes 1 to 8"},
		{"eight news", content("news", `{"articles":`+list(link, 8)+`}`), ""},
		{"nine news", content("news", `{"articles":`+list(link, 9)+`}`), "news.articles: 9 items; WeCom takes 1 to 8"},
		{
			"news that are empty", content("news", `{"articles":[`+link+`,{}]}`),
			"news.articles[1].title: missing or empty; news.articles[1].url: missing; set url, or appid and pagepath",
		},
		{
			"news with a link without scheme", content("news", `{"articles":[{"title":"t","url":"x.com"}]}`),
			`news.articles[0].url: "x.com" does not begin with http:// or https://`,
		},
		{
			"news for a mini program, whose url is ignored",
			content("news", `{"articles":[{"title":"t","url":"x","appid":"wx","pagepath":"p"}]}`), "",
		},
		{
			"news with half a mini program", content("news", `{"articles":[{"title":"t","appid":"wx"},{"title":"t","pagepath":"p"}]}`),
			"news.articles[0].pagepath: missing; appid needs it; news.articles[1].appid: missing; pagepath needs it",
		},
		{
			"news that are too long", content("news", `{"articles":[{"title":"`+sized(129)+`","description":"`+sized(513)+
				`","picurl":"`+sized(2049)+`","appid":"wx","pagepath":"`+sized(129)+`"}]}`),
			"news.articles[0].title: 129 bytes, 1 more than WeCom's limit of 128 (it would cut the rest silently); " +
				"news.articles[0].description: 513 bytes, 1 more than WeCom's limit of 512 (it would cut the rest silently); " +
				"news.articles[0].picurl: 2049 bytes, 1 more than WeCom's limit of 2048 (it would refuse the message); " +
				"news.articles[0].pagepath: 129 bytes, 1 more than WeCom's limit of 128 (it would refuse the message)",
		},
		{"no mpnews", content("mpnews", `{}`), "mpnews.articles: 0 items; WeCom takes 1 to 8"},
		{"eight mpnews", content("mpnews", `{"articles":`+list(stored, 8)+`}`), ""},
		{"mpnews that are empty", content("mpnews", `{"articles":[{}]}`), "mpnews.articles[0].title: missing or empty; " +
			"mpnews.articles[0].thumb_media_id: missing or empty; mpnews.articles[0].content: missing or empty"},
		{
			"mpnews that are too long", content("mpnews", `{"articles":[{"title":"`+sized(129)+`","thumb_media_id":"m","author":"`+
				sized(65)+`","digest":"`+sized(513)+`","content":"`+sized(666<<10+1)+`"}]}`),
			"mpnews.articles[0].title: 129 bytes, 1 more than WeCom's limit of 128 (it would cut the rest silently); " +
				"mpnews.articles[0].author: 65 bytes, 1 more than WeCom's limit of 64 (it would refuse the message); " +
				"mpnews.articles[0].content: 681985 bytes, 1 more than WeCom's limit of 681984 (it would refuse the message); " +
				"mpnews.articles[0].digest: 513 bytes, 1 more than WeCom's limit of 512 (it would cut the rest silently)",
		},
	})
}

func TestValidateMiniProgramNotice(t *testing.T) {
	t.Parallel()
	const item = `{"key":"一二三四五六七八九十","value":"v"}`
	check(t, []ruling{
		{
			"an empty notice", content("miniprogram_notice", `{}`),
			"miniprogram_notice.appid: missing or empty; miniprogram_notice.title: missing or empty",
		},
		{"ten lines", content("miniprogram_notice", `{"appid":"wx","title":"t","content_item":`+list(item, 10)+`}`), ""},
		{
			"eleven lines", content("miniprogram_notice", `{"appid":"wx","title":"t","content_item":`+list(item, 11)+`}`),
			"miniprogram_notice.content_item: 11 items, 1 more than WeCom's limit of 10 in one message",
		},
		{
			"an empty line", content("miniprogram_notice", `{"appid":"wx","title":"t","content_item":[{}]}`),
			"miniprogram_notice.content_item[0].key: missing or empty; miniprogram_notice.content_item[0].value: missing or empty",
		},
		{
			"lines that are too long", content("miniprogram_notice", `{"appid":"wx","title":"t","page":"`+sized(1025)+
				`","content_item":[{"key":"`+sized(11)+`","value":"`+strings.Repeat("字", 31)+`"}]}`),
			"miniprogram_notice.page: 1025 bytes, 1 more than WeCom's limit of 1024 (it would refuse the message); " +
				"miniprogram_notice.content_item[0].key: 11 characters, 1 more than WeCom's limit of 10 (it would refuse the message); " +
				"miniprogram_notice.content_item[0].value: 31 characters, 1 more than WeCom's limit of 30 (it would refuse the message)",
		},
		{
			"everyone", `{"touser":"@all","msgtype":"miniprogram_notice","miniprogram_notice":{"appid":"wx","title":"t"}}`,
			`touser: "@all" cannot get a miniprogram_notice; name users, departments or tags`,
		},
	})
}

func TestValidateContentLetsLongListsThrough(t *testing.T) {
	t.Parallel()
	request := text("hi")
	request.ToUser += strings.Repeat("|a", message.MaxUsers)
	if err := message.ValidateContent(request); err != nil {
		t.Errorf("ValidateContent: %v", err)
	}
	if err := message.Validate(request); err == nil {
		t.Error("Validate lets 1001 users through")
	}
}

func TestValidateRefusesWhatCannotBeLookedInto(t *testing.T) {
	t.Parallel()
	contradiction := text("hi")
	contradiction.MsgType = "news"
	tests := []struct {
		name    string
		request message.Request
		want    string
	}{
		{"nothing", nil, "message: the request (<nil>) is nil"},
		{"a nil pointer", (*message.SendNewsRequest)(nil), "message: the request (*message.SendNewsRequest) is nil"},
		{
			"no common part",
			message.SendNewsRequest{},
			"message: message.SendNewsRequest has a nil SendRequestCommon, which says who gets the message",
		},
		{"a contradicting msgtype", contradiction, `msgtype: "news" contradicts the request, which is "text"; leave it empty`},
		{
			"a text that is not UTF-8", text("€\xe2\x82"),
			"text.content: not UTF-8 from byte 3 on; convert the text before sending it",
		},
		{"a block that is not UTF-8", message.SendNewsRequest{SendRequestCommon: to("a"), News: message.NewsField{
			Articles: []message.NewsArticle{{Title: "t", URL: "http://x"}, {Title: "\xff", URL: "http://x"}},
		}}, "news.articles[1].title: not UTF-8 from byte 0 on; convert the text before sending it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, errorText(message.Validate(tt.request))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAValidationErrorListsAtMostTwentyProblems(t *testing.T) {
	t.Parallel()
	request := text("hi")
	request.ToUser = strings.Repeat("张|", 500)
	var invalid *message.ValidationError
	if err := message.Validate(request); !errors.As(err, &invalid) || len(invalid.Fields) != 20 {
		t.Errorf("got %v", err)
	}
}

func BenchmarkValidate(b *testing.B) {
	request := text(strings.Repeat("告警 CPU 95% ", 20))
	b.ReportAllocs()
	for b.Loop() {
		if err := message.Validate(request); err != nil {
			b.Fatal(err)
		}
	}
}
