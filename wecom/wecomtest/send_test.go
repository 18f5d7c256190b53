package wecomtest_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestEverySampleMessageIsAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for i, sample := range samples.Messages() {
		n := i + 1
		body := `{"agentid":1000002,` + strings.TrimPrefix(sample, "{")
		a := b.send(body)
		if a.ErrCode != 0 || a.ErrMsg != "ok" {
			t.Errorf("line %d: %d %s", n, a.ErrCode, a.ErrMsg)
			continue
		}
		m := b.last()
		if m.Body != body || m.MsgID != a.MsgID {
			t.Errorf("line %d: arrived as %q with msgid %s", n, m.Body, m.MsgID)
		}
		if calls := strings.Contains(body, "_interaction"); calls != (a.ResponseCode != "") {
			t.Errorf("line %d: response_code %q", n, a.ResponseCode)
		}
	}
	if got, want := len(b.Messages()), len(samples.Messages()); got != want {
		t.Errorf("%d of %d messages arrived", got, want)
	}
}

func TestAlertmanagerIsUnderstood(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{
		"alertmanager_0.json": "[FIRING:3] HighCPU",
		"alertmanager_1.json": "[RESOLVED] HighCPU",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{})
			body, err := fs.ReadFile(os.DirFS("../../message/testdata"), name)
			if err != nil {
				t.Fatal(err)
			}
			if a := b.send(string(body)); a.ErrMsg != "ok" {
				t.Fatalf("answer %d %q", a.ErrCode, a.ErrMsg)
			}
			m := b.last()
			if !strings.HasPrefix(m.Text, start) || m.MsgType != "markdown" {
				t.Errorf("people see a %s %q", m.MsgType, m.Text)
			}
			if diff := cmp.Diff([]string{"zhangsan", "lisi"}, m.To); diff != "" {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
		})
	}
}

// sendCase is a body of message/send and the errcode it gets.
type sendCase struct {
	body string
	want wecom.Code
}

// testSends sends to a company that has one image and one file uploaded.
func testSends(t *testing.T, cases map[string]sendCase) {
	t.Helper()
	b := setup(t, wecomtest.Rules{StrictMedia: true, Media: map[string]string{"doc": "file", "pic": "image"}})
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := b.send(tc.body); a.ErrCode != tc.want {
				t.Errorf("errcode = %d (%s), want %d", a.ErrCode, a.ErrMsg, tc.want)
			}
		})
	}
}

func TestWhatAllMessagesHaveIsChecked(t *testing.T) {
	t.Parallel()
	textTo := func(members string) string {
		return `{` + members + `,"msgtype":"text","agentid":1000002,"text":{"content":"x"}}`
	}
	testSends(t, map[string]sendCase{
		"msgtype missing":                    {`{"touser":"a","agentid":1000002}`, 40008},
		"msgtype unknown":                    {message("telegram", `{}`), 40008},
		"agentid missing":                    {`{"touser":"a","msgtype":"text","text":{"content":"x"}}`, 41011},
		"agentid null is missing":            {`{"touser":"a","msgtype":"text","agentid":null}`, 41011},
		"agentid not a number":               {`{"touser":"a","msgtype":"text","agentid":"ops"}`, 40056},
		"agentid empty":                      {`{"touser":"a","msgtype":"text","agentid":""}`, 40056},
		"agentid of another app":             {`{"touser":"a","msgtype":"text","agentid":7}`, 301002},
		"agentid as a string":                {`{"touser":"a","msgtype":"text","agentid":"1000002","text":{"content":"x"}}`, 0},
		"safe as a string":                   {textTo(`"touser":"a","safe":"1"`), 0},
		"safe null":                          {textTo(`"touser":"a","safe":null`), 0},
		"safe out of range":                  {textTo(`"touser":"a","safe":3`), 40058},
		"unknown members":                    {textTo(`"touser":"a","trace":{"id":[1,2]}`), 0},
		"no recipients":                      {textTo(`"touser":"","toparty":" | ","totag":null`), 82001},
		"1000 users":                         {textTo(`"touser":"` + strings.Repeat("a|", 1000) + `"`), 0},
		"1001 users":                         {textTo(`"touser":"` + strings.Repeat("a|", 1001) + `"`), 40032},
		"100 parties":                        {textTo(`"toparty":"` + strings.Repeat("1|", 100) + `"`), 0},
		"101 parties":                        {textTo(`"toparty":"` + strings.Repeat("1|", 101) + `"`), 82002},
		"101 tags":                           {textTo(`"totag":"` + strings.Repeat("1|", 101) + `"`), 82003},
		"@all ignores too many tags":         {textTo(`"touser":"@all","totag":"` + strings.Repeat("1|", 101) + `"`), 0},
		"a list is no message":               {`[]`, 40058},
		"not JSON":                           {`touser=a`, 40058},
		"nothing":                            {``, 40008},
		"JSON that breaks off early":         {`{"touser":"a","msgty`, 40008},
		"JSON that breaks off late is taken": {strings.TrimSuffix(text("a", "x"), "}") + `,"safe":`, 0},
	})
}

func TestTextAndFilesAreChecked(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("a", n) }
	testSends(t, map[string]sendCase{
		"text empty":                     {message("text", `{"content":""}`), 44004},
		"text absent":                    {`{"touser":"a","msgtype":"text","agentid":1000002}`, 44004},
		"image without media_id":         {message("image", `{}`), 41006},
		"image known":                    {message("image", `{"media_id":"pic"}`), 0},
		"image unknown":                  {message("image", `{"media_id":"nope"}`), 40007},
		"voice with an image's media_id": {message("voice", `{"media_id":"pic"}`), 40007},
		"video without media_id":         {message("video", `{"title":"t"}`), 41006},
		"file with an image's media_id":  {message("file", `{"media_id":"pic"}`), 40007},
		"textcard without title":         {message("textcard", `{"description":"d","url":"https://a"}`), 41016},
		"textcard without description":   {message("textcard", `{"title":"t","url":"https://a"}`), 41033},
		"textcard without url":           {message("textcard", `{"title":"t","description":"d"}`), 41010},
		"textcard url without scheme":    {message("textcard", `{"title":"t","description":"d","url":"a.example"}`), 45034},
		"textcard url too long":          {message("textcard", `{"title":"t","description":"d","url":"https://`+long(2041)+`"}`), 40039},
		"textcard url just fits":         {message("textcard", `{"title":"t","description":"d","url":"https://`+long(2040)+`"}`), 0},
	})
}

func TestArticlesAndMarkdownAreChecked(t *testing.T) {
	t.Parallel()
	article := func(members string) string { return `{"articles":[{"title":"t",` + members + `}]}` }
	long := func(n int) string { return strings.Repeat("a", n) }
	testSends(t, map[string]sendCase{
		"news without articles":        {message("news", `{"articles":[]}`), 45008},
		"news with 9 articles":         {message("news", `{"articles":[{},{},{},{},{},{},{},{},{}]}`), 45008},
		"news without title":           {message("news", `{"articles":[{"url":"https://a"}]}`), 41016},
		"news without link":            {message("news", article(`"description":"d"`)), 41010},
		"news url without scheme":      {message("news", article(`"url":"a.example"`)), 45034},
		"news appid without pagepath":  {message("news", article(`"appid":"wx0"`)), 90204},
		"news pagepath without appid":  {message("news", article(`"pagepath":"p"`)), 90207},
		"news confidential":            {`{"touser":"a","msgtype":"news","agentid":1000002,"safe":1,"news":` + article(`"url":"https://a"`) + `}`, 40074},
		"mpnews without title":         {message("mpnews", `{"articles":[{"thumb_media_id":"pic","content":"c"}]}`), 41016},
		"mpnews without thumb":         {message("mpnews", article(`"content":"c"`)), 41006},
		"mpnews with an unknown thumb": {message("mpnews", article(`"content":"c","thumb_media_id":"x"`)), 40007},
		"mpnews without content":       {message("mpnews", article(`"thumb_media_id":"pic"`)), 44004},
		"mpnews author too long":       {message("mpnews", article(`"content":"c","thumb_media_id":"pic","author":"`+long(65)+`"`)), 45032},
		"mpnews content just fits":     {message("mpnews", article(`"content":"`+long(666<<10)+`","thumb_media_id":"pic"`)), 0},
		"mpnews content too long":      {message("mpnews", article(`"content":"`+long(666<<10+1)+`","thumb_media_id":"pic"`)), 45002},
		"markdown empty":               {message("markdown", `{"content":""}`), 44004},
		"markdown too long":            {message("markdown", `{"content":"`+long(2049)+`"}`), 40058},
		"markdown just fits":           {message("markdown", `{"content":"`+long(2048)+`"}`), 0},
	})
}

func TestNoticesAndTaskCardsAreChecked(t *testing.T) {
	t.Parallel()
	notice := func(members string) string { return message("miniprogram_notice", `{"title":"t",`+members+`}`) }
	task := func(members string) string {
		return message("taskcard", `{"title":"t","description":"d",`+members+`}`)
	}
	long := func(n int) string { return strings.Repeat("a", n) }
	testSends(t, map[string]sendCase{
		"notice to @all":                  {strings.Replace(notice(`"appid":"wx0"`), "chen.li", "@all", 1), 40058},
		"notice without appid":            {notice(`"page":"p"`), 90200},
		"notice page too long":            {notice(`"appid":"wx0","page":"` + long(1025) + `"`), 90204},
		"notice without title":            {message("miniprogram_notice", `{"appid":"wx0"}`), 41016},
		"notice with 11 items":            {notice(`"appid":"wx0","content_item":[{},{},{},{},{},{},{},{},{},{},{}]`), 90201},
		"notice item without key":         {notice(`"appid":"wx0","content_item":[{"value":"v"}]`), 90202},
		"notice key over 10 characters":   {notice(`"appid":"wx0","content_item":[{"key":"一二三四五六七八九十一","value":"v"}]`), 90202},
		"notice key of 10 characters":     {notice(`"appid":"wx0","content_item":[{"key":"一二三四五六七八九十","value":"v"}]`), 0},
		"notice value over 30 characters": {notice(`"appid":"wx0","content_item":[{"key":"k","value":"` + long(31) + `"}]`), 90203},
		"taskcard":                        {task(`"task_id":"t-1@x_Y","url":"https://a","btn":[{"key":"k","name":"n"}]`), 0},
		"taskcard without title":          {message("taskcard", `{"description":"d"}`), 41016},
		"taskcard without description":    {message("taskcard", `{"title":"t"}`), 41033},
		"taskcard without task_id":        {task(`"btn":[{"key":"k","name":"n"}]`), 42014},
		"taskcard task_id too long":       {task(`"task_id":"` + long(129) + `"`), 42014},
		"taskcard task_id with a blank":   {task(`"task_id":"a b"`), 42014},
		"taskcard url without scheme":     {task(`"task_id":"t","url":"a"`), 45034},
		"taskcard without buttons":        {task(`"task_id":"t"`), 40058},
		"taskcard button without key":     {task(`"task_id":"t","btn":[{"name":"n"}]`), 42019},
		"taskcard button key too long":    {task(`"task_id":"t","btn":[{"name":"n","key":"` + long(129) + `"}]`), 42018},
		"taskcard button keys equal":      {task(`"task_id":"t","btn":[{"name":"n","key":"k"},{"name":"m","key":"k"}]`), 42018},
		"taskcard button without name":    {task(`"task_id":"t","btn":[{"key":"k"}]`), 42020},
	})
}

func TestWrongJSONIsToleratedWithAWarning(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for name, body := range map[string]string{
		"something follows the object": text("a", "x") + "}",
		"the end is missing":           strings.TrimSuffix(text("a", "x"), "}"),
		"touser is a number":           strings.Replace(text("a", "x"), `"a"`, `7`, 1),
		"a flag is no number":          strings.Replace(text("a", "x"), `{`, `{"enable_duplicate_check":"yes",`, 1),
		"a flag is true":               strings.Replace(text("a", "x"), `{`, `{"safe":true,`, 1),
		"a flag is false":              strings.Replace(text("a", "x"), `{`, `{"safe":false,`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := b.send(body); a.ErrCode != 0 || a.ErrMsg != "ok. Warning: wrong json format. " {
				t.Errorf("answer %d %q", a.ErrCode, a.ErrMsg)
			}
		})
	}
	if a := b.send(""); !strings.HasPrefix(a.ErrMsg, "Warning: wrong json format. invalid message type, hint: [") {
		t.Errorf("errmsg of an empty body = %q", a.ErrMsg)
	}
}

func TestErrmsgHasWeComsShape(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	a := b.send(message("telegram", `{}`))
	rest, found := strings.CutPrefix(a.ErrMsg, "invalid message type, hint: [")
	if !found || !strings.HasSuffix(rest, "], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e=40008") {
		t.Errorf("errmsg = %q", a.ErrMsg)
	}
	a = b.send(message("markdown", `{"content":"`+strings.Repeat("x", 2049)+`"}`))
	if !strings.HasPrefix(a.ErrMsg, "markdown.content exceed max length 2048, hint: [") {
		t.Errorf("errmsg = %q does not name the field", a.ErrMsg)
	}
}

func TestLongTextsAreCutSilently(t *testing.T) {
	t.Parallel()
	han := strings.Repeat("中", 1000)
	for name, tc := range map[string]struct {
		body        string
		title, text int // bytes people see
	}{
		"text at 2048 bytes, whole characters":          {body: text("a", han), text: 2046},
		"textcard at 128 and 512 characters":            {body: message("textcard", `{"title":"`+han+`","description":"`+han+`","url":"http://a"}`), title: 384, text: 1536},
		"video at 128 and 512 bytes":                    {body: message("video", `{"media_id":"m","title":"`+han+`","description":"`+han+`"}`), title: 126, text: 510},
		"the first article at 128 and 512 bytes":        {body: message("news", `{"articles":[{"title":"`+han+`","description":"`+han+`","url":"http://a"}]}`), title: 126, text: 510},
		"what fits stays, to the last byte of the last": {body: text("a", strings.Repeat("x", 2048)), text: 2048},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{})
			b.wantCode(b.send(tc.body), 0)
			m := b.last()
			if len(m.Title) != tc.title || len(m.Text) != tc.text {
				t.Errorf("people see %d and %d bytes, want %d and %d", len(m.Title), len(m.Text), tc.title, tc.text)
			}
			if !utf8.ValidString(m.Title + m.Text) {
				t.Error("a character was cut in two")
			}
		})
	}
}

func TestBodyOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	b.wantCode(b.send(text("a", strings.Repeat("x", 8<<20))), 40206)
}

func TestUnknownPathIsHTTP404(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	code, _, err := b.do("GET", "/cgi-bin/user/get", "")
	if err != nil || code != 404 {
		t.Errorf("HTTP %d, %v; want 404", code, err)
	}
}

func TestMsgIDsAreLongURLSafeAndUnique(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	seen := map[string]bool{}
	for range 100 {
		id := b.send(text("a", "x")).MsgID
		if len(id) != 86 || strings.ContainsAny(id, "+/=") || seen[id] {
			t.Fatalf("msgid %q", id)
		}
		seen[id] = true
	}
}
