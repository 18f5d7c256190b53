package gateway_test

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// delivered sends a message, waits until WeCom has it, and returns its msgid here.
func (b *bundle) delivered(token, body string) string {
	b.Helper()
	before := len(b.sim.Messages())
	a := b.wecomSend(token, body)
	if a.ErrCode != 0 {
		b.Fatalf("%+v", a)
	}
	must(b.sim.WaitMessages(b.Context(), before+1))
	waittest.Until(b.T, "the record is final", func() bool { return b.ended(a.MsgID) })
	return a.MsgID
}

func TestRecallWorksWithOurMsgID(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	b.work()
	id := b.delivered(token, textBody)
	same(t, "errcode", b.call("message/recall", token, `{"msgid":"`+id+`"}`).ErrCode, 0)
	same(t, "recalled", b.sim.Messages()[0].Recalled, true)
	past := b.sim.Messages()[0].MsgID
	all := b.accessToken(recallerToken)
	same(t, "one that was sent past us", b.call("message/recall", all, `{"msgid":"`+past+`"}`).ErrCode, 0)
	same(t, "the same, without the scope", b.call("message/recall", token, `{"msgid":"`+past+`"}`).ErrCode, 301002)
	same(t, "one that nobody knows", b.call("message/recall", token, `{"msgid":"ops-01JD5K3V8N0000000000000000"}`).ErrCode, 40058)
	same(t, "an invalid msgid", b.call("message/recall", all, `{"msgid":"nonsense"}`).ErrCode, 40058)
	same(t, "another app's", b.call("message/recall", token, `{"msgid":"hr-01JD5K3V8N0000000000000000"}`).ErrCode, 301002)
	same(t, "no msgid", b.call("message/recall", token, `{}`).ErrCode, 40058)
	same(t, "no JSON", b.call("message/recall", token, `{`).ErrCode, 40058)
}

func TestARecallFindsTheAppOfAMessageThatWasSentWithoutUs(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.work()
	b.delivered(b.accessToken(senderToken), textBody)
	past := b.sim.Messages()[0].MsgID
	same(t, "errcode", b.call("message/recall", b.accessToken(rootToken), `{"msgid":"`+past+`"}`).ErrCode, 0)
	same(t, "recalled", b.sim.Messages()[0].Recalled, true)
}

// A client with an error about an invalid token would look for the fault in its own.
func TestTheTokenOfWecomqIsNotTheClients(t *testing.T) {
	t.Parallel()
	for _, code := range []wecom.Code{42001, 40001, 40014} {
		b := newBundle(t)
		token := b.accessToken(recallerToken)
		for _, api := range []string{"media/upload", "message/recall", "message/update_template_card"} {
			if err := b.sim.AddFault(wecomtest.Fault{API: api, ErrCode: code}); err != nil {
				t.Fatal(err)
			}
		}
		for name, a := range map[string]wecomAnswer{
			"an upload": b.upload(token, "file", "media", "x", "some content"), "a recall": b.call("message/recall", token, `{"msgid":"past-us"}`),
			"an update": b.call("message/update_template_card", token, `{"response_code":"from-a-callback","agentid":1000002,"button":{"replace_name":"done"}}`),
		} {
			if a.ErrCode != -1 || !strings.Contains(a.ErrMsg, "wecomq's own credentials") {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
}

const buttonCard = `{"touser":"zhangsan|lisi","msgtype":"template_card","template_card":{"card_type":"button_interaction",` +
	`"task_id":"t1","main_title":{"title":"t"},"button_list":[{"text":"ok","key":"k"}]}}`

func TestUpdateOfACardWorksWithOurResponseCode(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	update := func(code, rest string) wecomAnswer {
		return b.call("message/update_template_card", token,
			`{"userids":["zhangsan","wangwu"],"agentid":"1000002","response_code":"`+code+`"`+rest+`}`)
	}
	const button = `,"button":{"replace_name":"done"}`
	queued := b.wecomSend(token, buttonCard)
	same(t, "while it waits", update(queued.ResponseCode, button).ErrCode, -1)
	b.work()
	must(b.sim.WaitMessages(t.Context(), 1))
	waittest.Until(b.T, "it is sent", func() bool { return b.ended(queued.MsgID) })
	same(t, "WeCom's word on what is wrong", update(queued.ResponseCode, "").ErrCode, 40058)
	a := update(queued.ResponseCode, button)
	if a.ErrCode != 0 || len(a.InvalidUser.([]any)) != 1 { //nolint:forcetypeassert // it must be an array here
		t.Errorf("%+v", a)
	}
	same(t, "updated", b.sim.Messages()[0].Updated, true)
	same(t, "a second time", update(queued.ResponseCode, button).ErrCode, 60140)
	same(t, "a code that a callback has brought", update("from-a-callback", button).ErrCode, 60140)
	same(t, "no code", update("", button).ErrCode, 40058)
	text := b.delivered(token, textBody)
	same(t, "of what is no card", update(text, button).ErrCode, 60140)
}

func TestUpdateOfACardThatWasSplit(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	b.work()
	card := b.wecomSend(token, strings.Replace(buttonCard, "zhangsan|lisi", manyUsers(1200), 1))
	must(b.sim.WaitMessages(t.Context(), 2))
	waittest.Until(b.T, "both parts are sent", func() bool { return b.ended(card.MsgID) })
	none := b.call("message/update_template_card", token, `{"userids":["nobody"],"response_code":"`+card.ResponseCode+
		`","button":{"replace_name":"done"}}`)
	same(t, "errcode for those who got no part of it", none.ErrCode, 82102)
	for _, m := range b.sim.Messages() {
		same(t, "updated for nobody", m.Updated, false)
	}
	a := b.call("message/update_template_card", token, `{"userids":["user1","user1100","nobody"],"response_code":"`+card.ResponseCode+
		`","button":{"replace_name":"done"}}`)
	same(t, "answer", a, wecomAnswer{ErrMsg: "ok", InvalidUser: []any{"nobody"}})
	for _, m := range b.sim.Messages() {
		same(t, "updated", m.Updated, true)
	}
}

func (b *bundle) upload(token, kind, part, name, content string) wecomAnswer {
	b.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("note", "ignored"); err != nil {
		b.Fatal(err)
	}
	if _, err := must(form.CreateFormFile(part, name)).Write([]byte(content)); err != nil {
		b.Fatal(err)
	}
	if err := form.Close(); err != nil {
		b.Fatal(err)
	}
	return b.wecomDo("POST", "/cgi-bin/media/upload?type="+kind+"&access_token="+token, body.String(), "Content-Type: "+form.FormDataContentType())
}

func TestUploadGoesOnToWeCom(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	b.work()
	a := b.upload(token, "file", "media", "报告.txt", "some content")
	if a.ErrCode != 0 || a.Type != "file" || a.MediaID == "" || a.CreatedAt == "" {
		t.Fatalf("%+v", a)
	}
	b.delivered(token, `{"touser":"a","msgtype":"file","file":{"media_id":"`+a.MediaID+`"}}`)
	same(t, "a kind that is none", b.upload(token, "song", "media", "x", "some content").ErrCode, 40005)
	same(t, "no part named media", b.upload(token, "file", "other", "x", "some content").ErrCode, 44001)
	same(t, "no form", b.call("media/upload", token, "x").ErrCode, 40005)
	same(t, "too small", b.upload(token, "file", "media", "x", "12345").ErrCode, 40006)
	same(t, "too large", b.upload(token, "file", "media", "x", strings.Repeat("x", 21<<20)).ErrCode, 45001)
}

func TestWhenWeComDoesNotAnswer(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(recallerToken)
	if err := b.sim.AddFault(wecomtest.Fault{API: "media/upload", HTTPStatus: 502}); err != nil {
		t.Fatal(err)
	}
	if err := b.sim.AddFault(wecomtest.Fault{API: "message/recall", ErrCode: 60020}); err != nil {
		t.Fatal(err)
	}
	same(t, "an upload", b.upload(token, "file", "media", "x", "some content").ErrCode, -1)
	a := b.call("message/recall", token, `{"msgid":"past-us"}`)
	if a.ErrCode != 60020 || strings.Contains(a.ErrMsg, "more info") {
		t.Errorf("%+v", a)
	}
}
