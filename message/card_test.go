package message_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/message"
)

// The shortest cards that WeCom takes. A member that follows them adds a block.
const (
	textNotice = `"card_type":"text_notice","main_title":{"title":"t"},"card_action":{"type":1,"url":"http://x"}`
	newsNotice = `"card_type":"news_notice","main_title":{"title":"t"},"card_action":{"type":1,"url":"http://x"},` +
		`"card_image":{"url":"http://x"}`
	newsNoticeBare = `"card_type":"news_notice","main_title":{"title":"t"},"card_action":{"type":1,"url":"http://x"}`
	buttonCardBare = `"card_type":"button_interaction","task_id":"t","main_title":{"title":"t"}`
	buttonCard     = buttonCardBare + `,"button_list":[{"text":"b","key":"k"}]`
	voteCardBare   = `"card_type":"vote_interaction","task_id":"t","main_title":{"title":"t"}`
	submitButton   = `,"submit_button":{"text":"s","key":"k"}`
	multiCardBare  = `"card_type":"multiple_interaction","task_id":"t","main_title":{"title":"t"}`
)

func card(members ...string) string {
	return content(message.TypeTemplateCard, "{"+strings.Join(members, "")+"}")
}

// question is the JSON of a question with n options.
func question(key string, n int) string {
	options := make([]string, n)
	for i := range options {
		options[i] = fmt.Sprintf(`{"id":"%d","text":"t"}`, i)
	}
	return `{"question_key":"` + key + `","option_list":[` + strings.Join(options, ",") + `]}`
}

func TestValidateCardTypes(t *testing.T) {
	t.Parallel()
	const types = "want one of [text_notice news_notice button_interaction vote_interaction multiple_interaction]"
	check(t, []ruling{
		{"no type", card(), "template_card.card_type: missing or empty; " + types},
		{"an unknown type", card(`"card_type":"x"`), `template_card.card_type: "x" is not known; ` + types},
		{"the least text_notice", card(textNotice), ""},
		{
			"a text_notice with a sub title alone",
			card(`"card_type":"text_notice","sub_title_text":"t","card_action":{"type":2,"appid":"wx"}`), "",
		},
		{
			"an empty text_notice", card(`"card_type":"text_notice"`),
			"template_card.main_title.title: missing; a text_notice card needs it or sub_title_text; " +
				"template_card.card_action.type: missing; a text_notice card needs 1 (url) or 2 (mini program)",
		},
		{"the least news_notice", card(newsNotice), ""},
		{
			"an empty news_notice", card(`"card_type":"news_notice"`),
			"template_card.main_title.title: missing; a news_notice card needs it; " +
				"template_card.card_action.type: missing; a news_notice card needs 1 (url) or 2 (mini program); " +
				"template_card.card_image: missing; a news_notice card needs it or image_text_area",
		},
		{"the least button_interaction", card(buttonCard), ""},
		{
			"an empty button_interaction", card(`"card_type":"button_interaction"`),
			"template_card.main_title.title: missing; a button_interaction card needs it; " +
				"template_card.button_list: 0 items; WeCom takes 1 to 6; " +
				"template_card.task_id: missing; a button_interaction card needs it",
		},
		{
			"an empty vote_interaction", card(`"card_type":"vote_interaction"`),
			"template_card.main_title.title: missing; a vote_interaction card needs it; " +
				"template_card.checkbox: missing; a vote_interaction card needs it; " +
				"template_card.submit_button: missing; a vote_interaction card needs it; " +
				"template_card.task_id: missing; a vote_interaction card needs it",
		},
		{
			"an empty multiple_interaction", card(`"card_type":"multiple_interaction"`),
			"template_card.main_title.title: missing; a multiple_interaction card needs it; " +
				"template_card.select_list: 0 items; WeCom takes 1 to 3; " +
				"template_card.submit_button: missing; a multiple_interaction card needs it; " +
				"template_card.task_id: missing; a multiple_interaction card needs it",
		},
		{
			"a task_id with a space", card(textNotice, `,"task_id":"a b"`),
			`template_card.task_id: "a b" has characters other than 0-9 A-Z a-z _ - @`,
		},
		{
			"a task_id of 129 bytes", card(textNotice, `,"task_id":"`+sized(129)+`"`),
			"template_card.task_id: 129 bytes, 1 more than WeCom's limit of 128 (it would refuse the message)",
		},
	})
}

func TestValidateCardBlocks(t *testing.T) {
	t.Parallel()
	const line = `{"keyname":"k"}`
	const jump = `{"title":"t"}`
	check(t, []ruling{
		{
			"a colour that is none", card(textNotice, `,"source":{"desc_color":4}`),
			"template_card.source.desc_color: 4; WeCom takes 0 to 3",
		},
		{"texts longer than WeCom suggests", card(textNotice, `,"source":{"desc":"`+sized(99)+`"},"emphasis_content":{"title":"`+sized(99)+`"}`), ""},
		{
			"a menu needs a task_id", card(textNotice, `,"action_menu":{"action_list":[{"text":"t","key":"k"}]}`),
			"template_card.task_id: missing; a card with action_menu needs it",
		},
		{
			"a menu without entries", card(textNotice, `,"task_id":"t","action_menu":{}`),
			"template_card.action_menu.action_list: 0 items; WeCom takes 1 to 3",
		},
		{
			"a menu with equal keys and an empty entry", card(textNotice,
				`,"task_id":"t","action_menu":{"action_list":[{"text":"t","key":"k"},{"text":"t","key":"k"},{}]}`),
			`template_card.action_menu.action_list[1].key: "k" is already used by an earlier item; ` +
				"template_card.action_menu.action_list[2].text: missing or empty; " +
				"template_card.action_menu.action_list[2].key: missing or empty",
		},
		{
			"a quotation without its url", card(textNotice, `,"quote_area":{"type":1}`),
			"template_card.quote_area.url: missing or empty",
		},
		{
			"a jump of no kind", card(textNotice, `,"quote_area":{"type":3}`),
			"template_card.quote_area.type: 3; WeCom takes 0 to 2",
		},
		{"six lines", card(textNotice, `,"horizontal_content_list":`+list(line, 6)), ""},
		{
			"seven lines", card(textNotice, `,"horizontal_content_list":`+list(line, 7)),
			"template_card.horizontal_content_list: 7 lines, 1 more than WeCom's limit of 6 in one message",
		},
		{
			"lines without what their type promises", card(textNotice,
				`,"horizontal_content_list":[{},{"keyname":"k","type":1},{"keyname":"k","type":2},{"keyname":"k","type":3},{"keyname":"k","type":4}]`),
			"template_card.horizontal_content_list[0].keyname: missing or empty; " +
				"template_card.horizontal_content_list[1].url: missing or empty; " +
				"template_card.horizontal_content_list[2].media_id: missing or empty; " +
				"template_card.horizontal_content_list[3].userid: missing or empty; " +
				"template_card.horizontal_content_list[4].type: 4; WeCom takes 0 to 3",
		},
		{"three links", card(textNotice, `,"jump_list":`+list(jump, 3)), ""},
		{
			"four links", card(textNotice, `,"jump_list":`+list(jump, 4)),
			"template_card.jump_list: 4 links, 1 more than WeCom's limit of 3 in one message",
		},
		{
			"links that lead nowhere", card(textNotice, `,"jump_list":[{"type":1},{"title":"t","type":2}]`),
			"template_card.jump_list[0].title: missing or empty; template_card.jump_list[0].url: missing or empty; " +
				"template_card.jump_list[1].appid: missing or empty",
		},
		{
			"a card action without its mini program", card(`"card_type":"text_notice","sub_title_text":"t","card_action":{"type":2}`),
			"template_card.card_action.appid: missing or empty",
		},
		{
			"a picture that is too wide", card(newsNoticeBare, `,"card_image":{"aspect_ratio":2.26}`),
			"template_card.card_image.url: missing or empty; template_card.card_image.aspect_ratio: 2.26; WeCom takes 1.3 to 2.25",
		},
		{"pictures as narrow and as wide as can be", card(newsNoticeBare, `,"card_image":{"url":"http://x","aspect_ratio":1.3}`), ""},
		{"a picture with a text instead", card(newsNoticeBare, `,"image_text_area":{"image_url":"http://x"}`), ""},
		{
			"a picture with a text but without a picture", card(newsNoticeBare, `,"image_text_area":{"type":1}`),
			"template_card.image_text_area.image_url: missing or empty; template_card.image_text_area.url: missing or empty",
		},
		{"four texts", card(newsNotice, `,"vertical_content_list":`+list(jump, 4)), ""},
		{
			"five texts, one without a title", card(newsNotice, `,"vertical_content_list":[`+strings.Repeat(jump+",", 4)+`{}]`),
			"template_card.vertical_content_list: 5 texts, 1 more than WeCom's limit of 4 in one message; " +
				"template_card.vertical_content_list[4].title: missing or empty",
		},
	})
}

func TestValidateCardQuestions(t *testing.T) {
	t.Parallel()
	check(t, []ruling{
		{"six buttons, whose urls need no key", card(buttonCardBare, `,"button_list":`+list(`{"text":"b","type":1,"url":"http://x"}`, 6)), ""},
		{
			"seven buttons", card(buttonCardBare, `,"button_list":`+list(`{"text":"b","type":1,"url":"http://x"}`, 7)),
			"template_card.button_list: 7 items; WeCom takes 1 to 6",
		},
		{
			"buttons that do nothing", card(buttonCardBare, `,"button_list":[{"key":"k"},{"text":"b"},{"text":"b","type":1}]`),
			"template_card.button_list[0].text: missing or empty; template_card.button_list[1].key: missing or empty; " +
				"template_card.button_list[2].url: missing or empty",
		},
		{
			"buttons with equal keys", card(buttonCardBare, `,"button_list":[{"text":"a","key":"k"},{"text":"b","key":"k"}]`),
			`template_card.button_list[1].key: "k" is already used by an earlier item`,
		},
		{
			"a button of no kind", card(buttonCardBare, `,"button_list":[{"text":"b","type":2,"style":5}]`),
			"template_card.button_list[0].style: 5; WeCom takes 0 to 4; template_card.button_list[0].type: 2; WeCom takes 0 to 1",
		},
		{
			"a key of 1025 bytes", card(buttonCardBare, `,"button_list":[{"text":"b","key":"`+sized(1025)+`"}]`),
			"template_card.button_list[0].key: 1025 bytes, 1 more than WeCom's limit of 1024 (it would refuse the message)",
		},
		{"a selector with ten options", card(buttonCard, `,"button_selection":`+question("q", 10)), ""},
		{
			"a selector with eleven options", card(buttonCard, `,"button_selection":`+question("q", 11)),
			"template_card.button_selection.option_list: 11 items; WeCom takes 1 to 10",
		},
		{"a vote with twenty options", card(voteCardBare, `,"checkbox":`+question("q", 20), submitButton), ""},
		{
			"a vote with twenty-one options", card(voteCardBare, `,"checkbox":`+question("q", 21), submitButton),
			"template_card.checkbox.option_list: 21 items; WeCom takes 1 to 20",
		},
		{
			"a vote that asks nothing", card(voteCardBare, `,"checkbox":{"mode":2},"submit_button":{}`),
			"template_card.checkbox.question_key: missing or empty; template_card.checkbox.mode: 2; WeCom takes 0 to 1; " +
				"template_card.checkbox.option_list: 0 items; WeCom takes 1 to 20; " +
				"template_card.submit_button.text: missing or empty; template_card.submit_button.key: missing or empty",
		},
		{
			"options that cannot be told apart", card(voteCardBare,
				`,"checkbox":{"question_key":"q","option_list":[{"id":"a","text":"t"},{"id":"a"},{"id":"`, sized(129), `","text":"t"}]}`, submitButton),
			`template_card.checkbox.option_list[1].id: "a" is already used by an earlier item; ` +
				"template_card.checkbox.option_list[1].text: missing or empty; " +
				"template_card.checkbox.option_list[2].id: 129 bytes, 1 more than WeCom's limit of 128 (it would refuse the message)",
		},
		{"three selectors", card(multiCardBare, `,"select_list":[`, question("a", 1), ",", question("b", 1), ",", question("c", 1), "]", submitButton), ""},
		{
			"four selectors, two of them alike", card(multiCardBare, `,"select_list":[`, question("a", 1), ",", question("b", 1), ",",
				question("c", 1), ",", question("a", 0), "]", submitButton),
			"template_card.select_list: 4 items; WeCom takes 1 to 3; " +
				`template_card.select_list[3].question_key: "a" is already used by an earlier item; ` +
				"template_card.select_list[3].option_list: 0 items; WeCom takes 1 to 10",
		},
	})
}
