package message_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
)

// closedVote is a card that replaces another one; it has no task_id.
func closedVote() *message.TemplateCardField {
	return &message.TemplateCardField{
		CardType:  message.CardVoteInteraction,
		MainTitle: &message.CardMainTitle{Title: "Team lunch"},
		Checkbox: &message.CardCheckbox{
			QuestionKey: "q1", Disable: true, OptionList: []message.CardCheckboxOption{{ID: "a", Text: "Noodles", IsChecked: true}},
		},
		SubmitButton: &message.CardSubmitButton{Text: "Send", Key: "k"},
		ReplaceText:  "Closed",
	}
}

func TestUpdateTemplateCardPostsBothForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		golden  string
		request message.UpdateTemplateCardRequest
	}{
		{"update.button", message.UpdateTemplateCardRequest{
			UserIDs: []string{"chen.li"}, PartyIDs: []int{2}, TagIDs: []int{3}, ResponseCode: "s7Yd",
			Button: &message.CardReplaceButton{ReplaceName: "Approved"},
		}},
		{"update.card", message.UpdateTemplateCardRequest{AtAll: 1, ResponseCode: "t8Ze", TemplateCard: closedVote()}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			t.Parallel()
			poster := &fakePoster{answer: `{"errcode":0,"errmsg":"ok","invaliduser":["old_user"]}`}
			reply, err := message.NewClient(poster, "1000012").UpdateTemplateCard(tt.request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(message.IDList{"old_user"}, reply.InvalidUser); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if poster.posts[0].API != "message/update_template_card" {
				t.Errorf("posted to %s", poster.posts[0].API)
			}
			golden(t, tt.golden, poster.posts[0].Body)
		})
	}
}

func TestValidateUpdateTemplateCard(t *testing.T) {
	t.Parallel()
	button := &message.CardReplaceButton{ReplaceName: "Done"}
	tests := []struct {
		name    string
		request message.UpdateTemplateCardRequest
		want    string
	}{
		{"neither form", message.UpdateTemplateCardRequest{ResponseCode: "c"}, "button: set either button or template_card"},
		{
			"both forms",
			message.UpdateTemplateCardRequest{ResponseCode: "c", Button: button, TemplateCard: closedVote()},
			"button: set either button or template_card",
		},
		{
			"a button without a name",
			message.UpdateTemplateCardRequest{ResponseCode: "c", Button: &message.CardReplaceButton{}},
			"button.replace_name: missing or empty",
		},
		{
			"a bad card",
			message.UpdateTemplateCardRequest{
				ResponseCode: "c",
				TemplateCard: &message.TemplateCardField{CardType: message.CardTextNotice, SubTitleText: "t"},
			},
			"template_card.card_action.type: missing; a text_notice card needs 1 (url) or 2 (mini program)",
		},
		{
			"bad members",
			message.UpdateTemplateCardRequest{UserIDs: []string{""}, AtAll: 2, AgentID: "x", EnableIDTrans: 2, Button: button},
			`userids: "" is not a userid: 1 to 64 of A-Z a-z 0-9 _ - @ . beginning with a letter or digit; a display name does not work; ` +
				`atall: 2; WeCom takes 0 (off) and 1 (on); agentid: "x" is not the number of an application; response_code: missing or empty; ` +
				"enable_id_trans: 2; WeCom takes 0 (off) and 1 (on)",
		},
		{
			"too many of everything",
			message.UpdateTemplateCardRequest{
				ResponseCode: "c", Button: button,
				PartyIDs: make([]int, 101), TagIDs: make([]int, 102),
			},
			"partyids: 101 department ids, 1 more than WeCom's limit of 100 in one message; " +
				"tagids: 102 tag ids, 2 more than WeCom's limit of 100 in one message",
		},
		{
			"a name that is not UTF-8",
			message.UpdateTemplateCardRequest{ResponseCode: "c", Button: &message.CardReplaceButton{ReplaceName: "\xff"}},
			"button.replace_name: not UTF-8 from byte 0 on; convert the text before sending it",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, errorText(tt.request.Validate())); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRecallPostsTheMsgID(t *testing.T) {
	t.Parallel()
	poster := &fakePoster{answer: `{"errcode":0,"errmsg":"ok"}`}
	reply, err := message.NewClient(poster, "12").Recall(message.RecallRequest{MsgID: "mK2f"})
	if err != nil || reply.ErrMsg != "ok" {
		t.Errorf("got %v, %v", reply, err)
	}
	if diff := cmp.Diff([]post{{"message/recall", `{"msgid":"mK2f"}`}}, poster.posts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseCardUpdate(t *testing.T) {
	t.Parallel()
	users := `"` + strings.Repeat(`a","`, message.MaxUsers-1) + `a"`
	for name, tc := range map[string]struct {
		body string
		says string // "" when it is right
	}{
		"a button":                  {`{"userids":["a"],"partyids":[2],"agentid":1000002,"button":{"replace_name":"Done"}}`, ""},
		"a thousand users":          {`{"userids":[` + users + `],"button":{"replace_name":"Done"}}`, ""},
		"a thousand and one":        {`{"userids":[` + users + `,"b"],"button":{"replace_name":"Done"}}`, "1001 userids"},
		"more than any list has":    {`{"userids":[` + users + `,"b","c"],"button":{"replace_name":"Done"}}`, "more than 1001 items"},
		"a message":                 {`{"touser":"a","msgtype":"template_card"}`, "msgtype: unknown field"},
		"both forms":                {`{"button":{"replace_name":"x"},"template_card":{"card_type":"text_notice"}}`, "either button or template_card"},
		"neither":                   {`{"atall":1}`, "either button or template_card"},
		"a card that WeCom refuses": {`{"template_card":{"card_type":"text_notice"}}`, "template_card.card_action"},
		"no JSON":                   {`x`, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := message.ParseCardUpdate([]byte(tc.body))
			if err == nil {
				err = r.ValidateContent()
			}
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want %q", err, tc.says)
			}
		})
	}
	lenient, err := message.ParseCardUpdateLenient([]byte(`{"agentid":1000002,"tagids":[3],"newer":1}`))
	if err != nil || lenient.AgentID != "1000002" || lenient.Recipients().Count() != 1 {
		t.Errorf("update %+v, error %v", lenient, err)
	}
}
