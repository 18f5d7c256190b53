package message

import (
	"strings"

	"github.com/wecomq/wecomq/wecom"
)

// fieldCodes map invalid fields to WeCom's errcodes; the first matching row counts.
// Fields of lists are written without an index.
var fieldCodes = []struct {
	field   string // its path; a "*" stands for any part of it
	problem string // prefix of the problem's text
	code    wecom.Code
}{
	{"msgtype", "", 40008},
	{"agentid", "", 40056},
	{"touser", "nobody is named", 82001},
	{"touser", "", 40031},
	{"toparty", "", 40066},
	{"totag", "", 40068},
	{"safe", "", 40074},

	{"text.content", "missing", 44004},
	{"text.content", "", 45002},
	{"markdown.content", "missing", 44004},
	{"textcard.title", "missing", 41016},
	{"textcard.description", "missing", 41033},
	{"news.articles", "", 45008},
	{"news.articles.title", "missing", 41016},
	{"news.articles.appid", "", 90207},
	{"news.articles.pagepath", "", 90204},
	{"mpnews.articles", "", 45008},
	{"mpnews.articles.title", "missing", 41016},
	{"mpnews.articles.author", "", 45032},
	{"mpnews.articles.content", "missing", 44004},
	{"mpnews.articles.content", "", 45002},

	{"miniprogram_notice.appid", "", 90200},
	{"miniprogram_notice.page", "", 90204},
	{"miniprogram_notice.title", "missing", 41016},
	{"miniprogram_notice.content_item", "", 90201},
	{"miniprogram_notice.content_item.key", "", 90202},
	{"miniprogram_notice.content_item.value", "", 90203},

	{"template_card.card_type", "", 42031},
	{"template_card.task_id", "", 42014},
	{"template_card.card_action", "", 42045},
	{"template_card.card_image", "missing", 42044},
	{"template_card.card_image.url", "missing", 42044},
	{"template_card.image_text_area.image_url", "missing", 42044},
	{"template_card.horizontal_content_list", "", 42035},
	{"template_card.horizontal_content_list.keyname", "", 42027},
	{"template_card.horizontal_content_list.media_id", "missing", 42029},
	{"template_card.horizontal_content_list.userid", "", 42050},
	{"template_card.vertical_content_list", "", 42036},
	{"template_card.jump_list", "", 42042},
	{"template_card.action_menu.action_list.key", "\"", 42051}, // two actions have it
	{"template_card.button_list", "", 42038},
	{"template_card.button_list.text", "", 42038},
	{"template_card.button_list.key", "", 42039},
	{"template_card.select_list", "", 42047},
	{"template_card*.question_key", "", 42043},
	{"template_card*.option_list", "", 42037},
	{"template_card*.option_list.id", "", 42040},
	{"template_card*.option_list.text", "", 42041},
	{"template_card.submit_button.key", "", 42046},
	{"template_card.submit_button.text", "", 42049},
	{"template_card*.title", "missing", 42033},
	{"template_card*.url", "missing", 42028},
	{"template_card*.appid", "missing", 42030},

	{"*media_id", "missing", 41006},
	{"*media_id", "", 40007},
	{"*url", "missing", 41010},
	{"*url", "\"", 45034},
	{"*url", "", 40039},
}

// Code is the errcode with which WeCom refuses such a message, or would if it did not cut it silently: 40058
// if there is no specific one.
func (e FieldError) Code() wecom.Code {
	field := withoutIndexes(e.Field)
	for _, row := range fieldCodes {
		begin, end, wild := strings.Cut(row.field, "*")
		fits := field == row.field || wild && strings.HasPrefix(field, begin) && strings.HasSuffix(field, end)
		if fits && strings.HasPrefix(e.Problem, row.problem) {
			return row.code
		}
	}
	return wecom.CodeInvalidParameter
}

// withoutIndexes turns news.articles[3].title into news.articles.title.
func withoutIndexes(field string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(field, "[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, field, _ = strings.Cut(rest, "]")
	}
}
