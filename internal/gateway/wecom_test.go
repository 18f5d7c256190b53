package gateway_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestGetTokenTakesCredentialsAsWeComDoes(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	given := url.Values{"corpid": {wecomtest.CorpID}, "corpsecret": {senderToken}}
	inJSON := `{"corpid":"` + wecomtest.CorpID + `","corpsecret":"` + senderToken + `"}`
	tests := map[string]struct {
		method, query, body string
		code                int64
	}{
		"in the query":               {method: "GET", query: given.Encode()},
		"in the query of a POST":     {method: "POST", query: given.Encode()},
		"in a form":                  {method: "POST", body: given.Encode()},
		"in JSON":                    {method: "POST", body: inJSON},
		"with more than is needed":   {method: "GET", query: given.Encode() + "&debug=1"},
		"no secret":                  {method: "GET", query: "corpid=" + wecomtest.CorpID, code: 41004},
		"no corp":                    {method: "GET", query: "corpsecret=" + senderToken, code: 41002},
		"nothing at all":             {method: "POST", body: "{]", code: 41004},
		"a wrong secret":             {method: "GET", query: "corpid=x&corpsecret=nonsense", code: 40001},
		"a corp that has none of it": {method: "GET", query: "corpid=wwelse&corpsecret=" + senderToken, code: 40013},
		"a token that may not send":  {method: "GET", query: "corpid=" + wecomtest.CorpID + "&corpsecret=" + readerToken, code: 48002},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.wecomDo(tt.method, "/cgi-bin/gettoken?"+tt.query, tt.body)
			if a.ErrCode != tt.code || (a.AccessToken != "") != (tt.code == 0) || len(a.AccessToken) > 512 {
				t.Fatalf("%+v, want errcode %d", a, tt.code)
			}
			if tt.code == 0 {
				same(t, "what it is good for", b.wecomSend(a.AccessToken, textBody).ErrCode, 0)
			}
		})
	}
}

func TestAccessTokensEnd(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	same(t, "at first", b.wecomSend(token, textBody).ErrCode, 0)
	b.now.advance(2*time.Hour - time.Minute)
	same(t, "shortly before its end", b.wecomSend(token, textBody).ErrCode, 0)
	b.now.advance(2 * time.Minute)
	same(t, "afterwards", b.wecomSend(token, textBody).ErrCode, 42001)
	same(t, "without one", b.wecomSend("", textBody).ErrCode, 41001)
	same(t, "with an invalid one", b.wecomSend("nonsense", textBody).ErrCode, 40014)
	same(t, "with the token itself", b.wecomSend(senderToken, textBody).ErrCode, 40014)
}

func TestAnotherGatewayTakesTheSameAccessToken(t *testing.T) {
	t.Parallel()
	shared := redistest.NewURL(t)
	one, other := newBundleOn(t, shared), newBundleOn(t, shared)
	same(t, "errcode", other.wecomSend(one.accessToken(senderToken), textBody).ErrCode, 0)
}

func TestSendIsLenientWhereWeComIs(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	tests := map[string]string{
		"agentid and safe as strings":       with(`"agentid":"1000002","safe":"0"`),
		"agentid as a number":               with(`"agentid":1000002`),
		"no agentid, where there is one":    textBody,
		"agentid null":                      with(`"agentid":null`),
		"an unused text beside markdown":    `{"text":{"content":""},"touser":"a","agentid":"1000002","safe":"0","msgtype":"markdown","markdown":{"content":"x"}}`,
		"card members that are null":        `{"touser":"a","agentid":1000002,"msgtype":"template_card","template_card":{"card_type":"text_notice","source":null,"main_title":{"title":"t","desc":null},"jump_list":null,"card_action":{"type":1,"url":"https://x.example"},"quote_area":null}}`,
		"HTML escapes of Go's encoder":      strings.Replace(textBody, "hello", `\u003cb\u003e \u0026`, 1),
		"blanks and empty ids":              strings.Replace(textBody, "zhangsan", "| zhangsan ||lisi|", 1),
		"more recipients than in one call":  strings.Replace(textBody, "zhangsan", manyUsers(1001), 1),
		"an interval for duplicates as 0":   with(`"enable_duplicate_check":0,"duplicate_check_interval":0`),
		"some of WeCom's bodies in the box": samples.Messages()[0],
		"what Alertmanager fires":           file(t, "../../message/testdata/alertmanager_0.json"),
		"what Alertmanager resolves":        file(t, "../../message/testdata/alertmanager_1.json"),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do("POST", "/cgi-bin/message/send?debug=1&access_token="+token, body, "Content-Type: ")
			got := decoded[wecomAnswer](t, a.body)
			if a.status != 200 || got.ErrCode != 0 || got.ErrMsg != "ok" || got.MsgID == "" {
				t.Fatalf("%d %s", a.status, a.body)
			}
			b.stored(got.MsgID)
			same(t, "response_code, which only cards have that call back", got.ResponseCode, "")
		})
	}
}

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSendAnswersWithWeComsErrcodes(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	card := func(url string) string {
		return `{"touser":"a","msgtype":"textcard","textcard":{"title":"t","description":"d"` + url + `}}`
	}
	tests := map[string]struct {
		body string
		code int64
		says string
	}{
		"no JSON":                    {`touser=a`, 40058, "invalid json"},
		"what breaks off":            {`{"touser"`, 40008, "msgtype"},
		"nothing":                    {``, 40008, "msgtype"},
		"another agent":              {with(`"agentid":"1000003"`), 301002, "may use: 1000002"},
		"no number as agent":         {with(`"agentid":"ops"`), 40056, "agentid"},
		"an unknown msgtype":         {`{"touser":"a","msgtype":"telepathy"}`, 40008, "msgtype"},
		"no msgtype":                 {`{"touser":"a"}`, 40008, "msgtype"},
		"nobody":                     {`{"msgtype":"text","text":{"content":"x"}}`, 82001, "touser"},
		"only people by their names": {strings.Replace(textBody, "zhangsan", "张三|李四", 1), 81013, "all invalid"},
		"no text":                    {`{"touser":"a","msgtype":"text","text":{"content":""}}`, 44004, "text.content"},
		"no file":                    {`{"touser":"a","msgtype":"image","image":{}}`, 41006, "image.media_id"},
		"no link":                    {card(""), 41010, "textcard.url"},
		"a link without a scheme":    {card(`,"url":"example.com"`), 45034, "textcard.url"},
		"nine articles":              {`{"touser":"a","msgtype":"news","news":{"articles":[` + strings.Repeat(`{"title":"t","url":"http://x.example"},`, 8) + `{"title":"t","url":"http://x.example"}]}}`, 45008, "news.articles"},
		"confidential news":          {`{"touser":"a","safe":1,"msgtype":"news","news":{"articles":[{"title":"t","url":"http://x.example"}]}}`, 40074, "safe"},
		"an article without a title": {`{"touser":"a","msgtype":"news","news":{"articles":[{"url":"http://x.example"}]}}`, 41016, "news.articles[0].title"},
		"a wrong type":               {`{"touser":["a"],"msgtype":"text","text":{"content":"x"}}`, 82001, "touser"},
		"too large":                  {`{"touser":"a","msgtype":"text","text":{"content":"` + strings.Repeat("x", 9<<20) + `"}}`, 40206, "too large"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.wecomSend(token, tt.body)
			if a.ErrCode != tt.code || !strings.Contains(a.ErrMsg, tt.says) || a.MsgID != "" {
				t.Errorf("%+v, want %d and %q", a, tt.code, tt.says)
			}
			if !strings.Contains(a.ErrMsg, ", hint: [") {
				t.Errorf("%q has no hint for support", a.ErrMsg)
			}
		})
	}
}

func TestAnAppIsFoundByItsAgentID(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(rootToken)
	same(t, "hr", b.wecomSend(token, with(`"agentid":"1000003"`)).MsgID[:3], "hr-")
	same(t, "ops, whose agentid another corp has as well", b.wecomSend(token, with(`"agentid":1000002`)).MsgID[:4], "ops-")
	same(t, "none where there are two", b.wecomSend(token, textBody).ErrCode, 41011)
	other := b.wecomDo("GET", "/cgi-bin/gettoken?corpid=wwelse&corpsecret="+rootToken, "").AccessToken
	same(t, "the other corp's", b.wecomSend(other, textBody).MsgID[:5], "else-")
}

func TestInvalidRecipientsAreListedAndTheOthersServed(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	a := b.wecomSend(b.accessToken(senderToken),
		`{"touser":"Zhang San|lisi|张三","toparty":"2|x","totag":"y","msgtype":"text","text":{"content":"x"}}`)
	same(t, "answer", a, wecomAnswer{ErrMsg: "ok", MsgID: a.MsgID, InvalidUser: "zhang san|张三", InvalidParty: "x", InvalidTag: "y"})
	b.work()
	arrived := must(b.sim.WaitMessages(t.Context(), 1))
	same(t, "who got it", arrived[0].To, []string{"lisi"})
}

func TestLongTextsAreCutAloudAndOnWholeCharacters(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	long := strings.Repeat("磁盘满🔥", 300)
	bodies := map[string]string{
		"text.content":        `{"touser":"a","msgtype":"text","text":{"content":"` + long + `"}}`,
		"markdown.content":    `{"touser":"a","msgtype":"markdown","markdown":{"content":"` + long + `"}}`,
		"textcard.title":      `{"touser":"a","msgtype":"textcard","textcard":{"title":"` + long + `","description":"d","url":"http://x.example"}}`,
		"video.description":   `{"touser":"a","msgtype":"video","video":{"media_id":"m","description":"` + long + `"}}`,
		"news.articles.title": `{"touser":"a","msgtype":"news","news":{"articles":[{"title":"` + long + `","url":"http://x.example"}]}}`,
		"mpnews.articles.digest": `{"touser":"a","msgtype":"mpnews","mpnews":{"articles":[{"title":"t","thumb_media_id":"m","content":"c","digest":"` +
			long + `"}]}}`,
	}
	for field, body := range bodies {
		a := b.wecomSend(token, body)
		if want := "ok. Warning: too long and cut: " + field + ". "; a.ErrCode != 0 || a.ErrMsg != want {
			t.Errorf("%+v, want %q", a, want)
		}
	}
	b.work()
	for _, m := range must(b.sim.WaitMessages(t.Context(), len(bodies))) {
		if !strings.Contains(m.Body, "…") || strings.Contains(m.Body, "\ufffd") {
			t.Errorf("%s", m.Body)
		}
	}
}

func TestPriorityOfTheAddressTheQueryAndAHeader(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	tests := map[string]struct {
		path, header string
		want         tasks.Priority
	}{
		"none":             {"/cgi-bin/message/send?", "", tasks.Default},
		"of the address":   {"/critical/cgi-bin/message/send?", "", tasks.Critical},
		"of the query":     {"/cgi-bin/message/send?priority=bulk&", "", tasks.Bulk},
		"of a header":      {"/cgi-bin/message/send?", "bulk", tasks.Bulk},
		"the query's wins": {"/bulk/cgi-bin/message/send?priority=critical&", "default", tasks.Critical},
	}
	for name, tt := range tests {
		a := b.wecomDo("POST", tt.path+"access_token="+token, textBody, "X-Wecomq-Priority: "+tt.header)
		same(t, name, b.stored(a.MsgID).Priority, tt.want)
	}
	a := b.wecomDo("POST", "/cgi-bin/message/send?priority=high&access_token="+token, textBody)
	same(t, "a wrong one", a.ErrCode, 40058)
	same(t, "another prefix", b.do("POST", "/high/cgi-bin/message/send", "").status, 404)
}

func TestAlertmanagerTriesAgainWhenRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBundleOn(t, server.URL())
	server.Kill()
	token := b.accessToken(senderToken) // Alertmanager drops an alert if gettoken fails
	a := b.do("POST", "/cgi-bin/message/send?access_token="+token, textBody)
	got := decoded[wecomAnswer](t, a.body)
	if a.status != http.StatusServiceUnavailable || got.ErrCode != -1 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestTheIdempotencyKeyWorksHereToo(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	first := b.call("message/send", token, textBody, "Idempotency-Key: k")
	again := b.call("message/send", token, textBody, "Idempotency-Key: k")
	same(t, "the repeat's msgid", again.MsgID, first.MsgID)
	other := b.call("message/send", token, strings.Replace(textBody, "hello", "bye", 1), "Idempotency-Key: k")
	if other.ErrCode != 40058 || !strings.Contains(other.ErrMsg, first.MsgID) || other.MsgID != "" {
		t.Errorf("another message under the key: %+v", other)
	}
	for name, key := range map[string]string{"not ASCII": "schlüssel", "too long": strings.Repeat("k", 256)} {
		a := b.call("message/send", token, textBody, "Idempotency-Key: "+key)
		if a.ErrCode != 40058 || !strings.Contains(a.ErrMsg, "idempotency_key") || a.MsgID != "" {
			t.Errorf("a key that is %s: %+v", name, a)
		}
	}
}

func TestTheRestOfWeComsAPIIsNotHere(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	a := b.wecomDo("GET", "/cgi-bin/user/get?access_token=x", "")
	if a.ErrCode != 48002 || !strings.Contains(a.ErrMsg, "message/send") {
		t.Errorf("%+v", a)
	}
}

func TestNoSecretReachesTheLog(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	b.wecomSend(token, textBody)
	b.wecomSend(token, "{")
	b.do("GET", "/cgi-bin/gettoken?corpid=x&corpsecret=wrong-secret", "")
	b.do("POST", "/v1/messages", textBody, as(senderToken), "X-Request-Id: bad\tid")
	b.do("POST", "/v1/messages", textBody, as("wrong-secret"))
	log := b.log.String()
	for _, secret := range []string{senderToken, token, "wrong-secret", "hello", "bad"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	lines := 0
	for text := range strings.Lines(log) {
		line := decoded[map[string]any](t, text)
		if line["message"] == "request" {
			lines++
		}
		for _, name := range []string{"request_id", "method", "path", "status", "duration_ms", "remote", "component"} {
			if _, ok := line[name]; !ok {
				t.Errorf("no %s in %s", name, text)
			}
		}
	}
	same(t, "lines", lines, 6)
	if !strings.Contains(log, `"token":"sender"`) {
		t.Error("the log does not say who it was")
	}
}
