package wecomtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const (
	updateAPI = "message/update_template_card"
	greyed    = `"button":{"replace_name":"Done"}`
	buttonOne = `"button_list":[{"text":"a","key":"k"}]`
)

// longLived tokens outlast response codes.
var longLived = wecomtest.Rules{TokenTTL: wecomtest.Duration(100 * 24 * time.Hour)}

func update(code, members string) string {
	return `{"agentid":1000002,"response_code":"` + code + `",` + members + `}`
}

func TestCardsAreUpdatedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	code := b.send(buttons(buttonOne)).ResponseCode
	a := b.post(updateAPI, update(code, `"userids":["CHEN.LI","Old_User"],`+greyed))
	b.wantCode(a, 0)
	if got := string(a.InvalidUser); got != `["old_user"]` {
		t.Errorf("invaliduser = %s, want an array", got)
	}
	if !b.last().Updated {
		t.Error("the message is not marked as updated")
	}
	b.wantCode(b.post(updateAPI, update(code, `"atall":1,`+greyed)), 60140)
}

func TestAnUpdatedCardShowsWhatItIsNow(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	body := update(b.send(buttons(buttonOne)).ResponseCode, `"atall":1,"template_card":{"card_type":"text_notice","main_title":{"title":"Resolved"},"sub_title_text":"all is well",`+toURL+`}`)
	b.wantCode(b.post(updateAPI, body), 0)
	if m := b.last(); m.Title != "Resolved" || m.Text != "all is well" || m.UpdateBody != body {
		t.Errorf("message %+v, want the new card", m)
	}
	if page := b.page("/"); !strings.Contains(page, "all is well") || !strings.Contains(page, `<span class="badge ok">updated`) {
		t.Errorf("the page does not show the new card:\n%s", page)
	}
}

func TestUpdatesOfAllNamedLeaveInvalidUserOut(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for name, targets := range map[string]string{
		"the one who got it": `"userids":["Chen.Li"],`,
		"everyone":           `"atall":1,`,
	} {
		a := b.post(updateAPI, update(b.send(buttons(buttonOne)).ResponseCode, targets+greyed))
		if a.ErrCode != 0 || a.InvalidUser != nil {
			t.Errorf("%s: errcode %d (%s), invaliduser %s", name, a.ErrCode, a.ErrMsg, a.InvalidUser)
		}
	}
}

func TestUpdatesAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{StrictMedia: true})
	menu := b.send(textNotice(`"task_id":"t","action_menu":{"action_list":[{"text":"a","key":"k"}]}`)).ResponseCode
	code := b.send(buttons(buttonOne)).ResponseCode
	toAll := `"atall":1,`
	for name, tc := range map[string]struct {
		body string
		want wecom.Code
	}{
		"agentid missing":                  {`{}`, 41011},
		"agentid of another app":           {`{"agentid":7}`, 301002},
		"nobody named":                     {update(code, greyed), 82101},
		"1001 users":                       {update(code, `"userids":`+repeat(`"a"`, 1001)+`,`+greyed), 40032},
		"101 parties":                      {update(code, `"partyids":`+repeat(`1`, 101)+`,`+greyed), 82002},
		"101 tags":                         {update(code, `"tagids":`+repeat(`1`, 101)+`,`+greyed), 82003},
		"nobody who got it":                {update(code, `"userids":["old_user"],`+greyed), 82102},
		"neither button nor card":          {update(code, `"atall":1`), 40058},
		"button without a name":            {update(code, toAll+`"button":{}`), 40058},
		"button of a card without buttons": {update(menu, toAll+greyed), 40058},
		"response_code unknown":            {update("nope", toAll+greyed), 60140},
		"response_code missing":            {`{"agentid":1000002,"atall":1,` + greyed + `}`, 60140},
		"a card that is wrong":             {update(code, toAll+`"template_card":{"card_type":"text_notice",`+titled+`}`), 42045},
		"a card with an unknown file":      {update(code, toAll+`"template_card":{"card_type":"text_notice",`+titled+`,`+toURL+`,"horizontal_content_list":[{"keyname":"k","type":2,"media_id":"nope"}]}`), 40007},
		"not JSON":                         {`x`, 40058},
	} {
		if a := b.post(updateAPI, tc.body); a.ErrCode != tc.want {
			t.Errorf("%s: errcode = %d (%s), want %d", name, a.ErrCode, a.ErrMsg, tc.want)
		}
	}
	// None of the refusals has used a code up, and the new cards need no task_id.
	b.wantCode(b.post(updateAPI, update(menu, toAll+`"template_card":{"card_type":"text_notice",`+titled+`,`+toURL+`}`)), 0)
	checkbox := `"checkbox":{"question_key":"q","disable":true,"option_list":` + options(1) + `}`
	b.wantCode(b.post(updateAPI, update(code, toAll+`"template_card":{"card_type":"vote_interaction",`+titled+`,`+submit+`,`+checkbox+`}`)), 0)
}

func TestResponseCodesLastThreeDays(t *testing.T) {
	t.Parallel()
	b := setup(t, longLived)
	early, late := b.send(buttons(buttonOne)).ResponseCode, b.send(buttons(buttonOne)).ResponseCode
	b.clock.Advance(72 * time.Hour)
	b.wantCode(b.post(updateAPI, update(early, `"atall":1,`+greyed)), 0)
	b.clock.Advance(1)
	b.wantCode(b.post(updateAPI, update(late, `"atall":1,`+greyed)), 60140)
}

func TestAnotherAppCanNeitherUpdateNorRecall(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Apps: []wecomtest.App{
		{CorpID: "ww1", AgentID: 1000002, Secret: "a"},
		{CorpID: "ww1", AgentID: 1000003, Secret: "b"},
	}})
	sent := b.send(buttons(buttonOne))
	query := "?access_token=" + b.login("ww1", "b")
	body := strings.Replace(update(sent.ResponseCode, `"atall":1,`+greyed), "1000002", "1000003", 1)
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/update_template_card"+query, body), 42015)
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/recall"+query, `{"msgid":"`+sent.MsgID+`"}`), 40058)
}

func TestMessagesAreRecalledWithinADay(t *testing.T) {
	t.Parallel()
	b := setup(t, longLived)
	early, late := b.send(text("a", "x")).MsgID, b.send(text("a", "y")).MsgID
	b.wantCode(b.post("message/recall", `{"msgid":"nope"}`), 40058)
	b.wantCode(b.post("message/recall", `{}`), 40058)
	b.wantCode(b.post("message/recall", `x`), 40058)
	b.clock.Advance(24 * time.Hour)
	b.wantCode(b.post("message/recall", `{"msgid":"`+early+`"}`), 0)
	b.clock.Advance(1)
	b.wantCode(b.post("message/recall", `{"msgid":"`+late+`"}`), 42052)
	messages := b.Messages()
	if !messages[0].Recalled || messages[1].Recalled {
		t.Errorf("recalled: %v, %v, want true, false", messages[0].Recalled, messages[1].Recalled)
	}
	b.ForgetMessages()
	b.wantCode(b.post("message/recall", `{"msgid":"`+early+`"}`), 40058)
}
