package wecomtest_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const (
	toURL   = `"card_action":{"type":1,"url":"https://a"}`
	titled  = `"main_title":{"title":"t"}`
	picture = `"card_image":{"url":"https://a/p.png"}`
	submit  = `"submit_button":{"text":"Send","key":"s"}`
)

// card is a template_card message of the given type.
func card(kind, members string) string {
	return message("template_card", `{"card_type":"`+kind+`",`+members+`}`)
}

func textNotice(members string) string {
	return card("text_notice", titled+`,`+toURL+`,`+members)
}

func newsNotice(members string) string {
	return card("news_notice", titled+`,`+toURL+`,`+members)
}

func buttons(members string) string {
	return card("button_interaction", `"task_id":"t",`+titled+`,`+members)
}

func vote(checkbox string) string {
	return card("vote_interaction", `"task_id":"t",`+titled+`,`+submit+`,"checkbox":`+checkbox)
}

func multiple(list string) string {
	return card("multiple_interaction", `"task_id":"t",`+titled+`,`+submit+`,"select_list":`+list)
}

// repeat is a JSON list of n times the same item.
func repeat(item string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

// options is a JSON list of n options with distinct ids.
func options(n int) string {
	var list []string
	for i := range n {
		list = append(list, `{"id":"`+strings.Repeat("i", i+1)+`","text":"x"}`)
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestNoticeCardsAreChecked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 1025)
	testSends(t, map[string]sendCase{
		"card_type missing":                   {message("template_card", `{}`), 42031},
		"card_type unknown":                   {card("poster", titled), 42031},
		"text_notice":                         {textNotice(`"a":1`), 0},
		"text_notice with a subtitle only":    {card("text_notice", `"sub_title_text":"s",`+toURL), 0},
		"text_notice without any title":       {card("text_notice", toURL), 42033},
		"text_notice without card_action":     {card("text_notice", titled), 42045},
		"card_action of type 0":               {card("text_notice", titled+`,"card_action":{"type":0,"url":"https://a"}`), 42045},
		"card_action of type 3":               {card("text_notice", titled+`,"card_action":{"type":3,"url":"https://a"}`), 42045},
		"card_action without url":             {card("text_notice", titled+`,"card_action":{"type":1}`), 42028},
		"card_action without appid":           {card("text_notice", titled+`,"card_action":{"type":2}`), 42030},
		"card_action with appid":              {card("text_notice", titled+`,"card_action":{"type":2,"appid":"wx0"}`), 0},
		"quote_area without url":              {textNotice(`"quote_area":{"type":1}`), 42028},
		"quote_area without appid":            {textNotice(`"quote_area":{"type":2}`), 42030},
		"quote_area without link":             {textNotice(`"quote_area":{"title":"q"}`), 0},
		"task_id with a bad character":        {textNotice(`"task_id":"a/b"`), 42014},
		"action_menu without task_id":         {textNotice(`"action_menu":{"action_list":[{"text":"a","key":"k"}]}`), 42014},
		"action_menu with task_id":            {textNotice(`"task_id":"t","action_menu":{"action_list":[{"text":"a","key":"k"}]}`), 0},
		"action_menu without actions":         {textNotice(`"task_id":"t","action_menu":{"desc":"d"}`), 40058},
		"action_menu with 4 actions":          {textNotice(`"task_id":"t","action_menu":{"action_list":` + repeat(`{}`, 4) + `}`), 40058},
		"action_menu action without text":     {textNotice(`"task_id":"t","action_menu":{"action_list":[{"key":"k"}]}`), 40058},
		"action_menu key too long":            {textNotice(`"task_id":"t","action_menu":{"action_list":[{"text":"a","key":"` + long + `"}]}`), 40058},
		"action_menu keys equal":              {textNotice(`"task_id":"t","action_menu":{"action_list":` + repeat(`{"text":"a","key":"k"}`, 2) + `}`), 42051},
		"6 horizontal items":                  {textNotice(`"horizontal_content_list":` + repeat(`{"keyname":"k"}`, 6)), 0},
		"7 horizontal items":                  {textNotice(`"horizontal_content_list":` + repeat(`{"keyname":"k"}`, 7)), 42035},
		"horizontal item without keyname":     {textNotice(`"horizontal_content_list":[{"value":"v"}]`), 42027},
		"horizontal link without url":         {textNotice(`"horizontal_content_list":[{"keyname":"k","type":1}]`), 42028},
		"horizontal file without media_id":    {textNotice(`"horizontal_content_list":[{"keyname":"k","type":2}]`), 42029},
		"horizontal file":                     {textNotice(`"horizontal_content_list":[{"keyname":"k","type":2,"media_id":"doc"}]`), 0},
		"horizontal file that is an image":    {textNotice(`"horizontal_content_list":[{"keyname":"k","type":2,"media_id":"pic"}]`), 40007},
		"horizontal member without userid":    {textNotice(`"horizontal_content_list":[{"keyname":"k","type":3}]`), 42050},
		"3 jumps":                             {textNotice(`"jump_list":` + repeat(`{"title":"j"}`, 3)), 0},
		"4 jumps":                             {textNotice(`"jump_list":` + repeat(`{"title":"j"}`, 4)), 42042},
		"jump without title":                  {textNotice(`"jump_list":[{"type":1,"url":"https://a"}]`), 42033},
		"jump without url":                    {textNotice(`"jump_list":[{"title":"j","type":1}]`), 42028},
		"jump without appid":                  {textNotice(`"jump_list":[{"title":"j","type":2}]`), 42030},
		"news_notice":                         {newsNotice(picture), 0},
		"news_notice without title":           {card("news_notice", toURL+`,`+picture), 42033},
		"news_notice without card_action":     {card("news_notice", titled+`,`+picture), 42045},
		"news_notice without picture":         {newsNotice(`"a":1`), 42044},
		"card_image without url":              {newsNotice(`"card_image":{}`), 42044},
		"aspect_ratio at its ends":            {newsNotice(`"card_image":{"url":"https://a","aspect_ratio":2.25}`), 0},
		"aspect_ratio 0 is the default":       {newsNotice(`"card_image":{"url":"https://a","aspect_ratio":0}`), 0},
		"aspect_ratio too small":              {newsNotice(`"card_image":{"url":"https://a","aspect_ratio":1.29}`), 40058},
		"aspect_ratio too large":              {newsNotice(`"card_image":{"url":"https://a","aspect_ratio":2.26}`), 40058},
		"aspect_ratio not a number":           {newsNotice(`"card_image":{"url":"https://a","aspect_ratio":"wide"}`), 40058},
		"image_text_area":                     {newsNotice(`"image_text_area":{"image_url":"https://a"}`), 0},
		"image_text_area without image_url":   {newsNotice(`"image_text_area":{"title":"i"}`), 42044},
		"image_text_area without url":         {newsNotice(`"image_text_area":{"image_url":"https://a","type":1}`), 42028},
		"image_text_area without appid":       {newsNotice(`"image_text_area":{"image_url":"https://a","type":2}`), 42030},
		"4 vertical items":                    {newsNotice(picture + `,"vertical_content_list":` + repeat(`{"title":"v"}`, 4)), 0},
		"5 vertical items":                    {newsNotice(picture + `,"vertical_content_list":` + repeat(`{"title":"v"}`, 5)), 42036},
		"vertical item without title":         {newsNotice(picture + `,"vertical_content_list":[{"desc":"d"}]`), 42033},
		"a list where an object belongs":      {card("text_notice", `"main_title":[],`+toURL), 42033},
		"an object where a list belongs":      {textNotice(`"jump_list":{"title":"j"}`), 0},
		"a string where a list item belongs":  {textNotice(`"jump_list":["j"]`), 42033},
		"card_action type as a string":        {card("text_notice", titled+`,"card_action":{"type":"1","url":"https://a"}`), 0},
		"template_card that is not an object": {message("template_card", `"text_notice"`), 42031},
	})
}

func TestInteractiveCardsAreChecked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 1025)
	testSends(t, map[string]sendCase{
		"buttons":                              {buttons(`"button_list":[{"text":"a","key":"k"}]`), 0},
		"buttons without task_id":              {card("button_interaction", titled+`,"button_list":[{"text":"a","key":"k"}]`), 42014},
		"buttons without title":                {card("button_interaction", `"task_id":"t","button_list":[{"text":"a","key":"k"}]`), 42033},
		"no button":                            {buttons(`"button_list":[]`), 42038},
		"7 buttons":                            {buttons(`"button_list":` + repeat(`{}`, 7)), 42038},
		"button without text":                  {buttons(`"button_list":[{"key":"k"}]`), 42038},
		"button without key":                   {buttons(`"button_list":[{"text":"a"}]`), 42039},
		"button key too long":                  {buttons(`"button_list":[{"text":"a","key":"` + long + `"}]`), 42039},
		"button keys equal":                    {buttons(`"button_list":` + repeat(`{"text":"a","key":"k"}`, 2)), 42039},
		"button style out of range":            {buttons(`"button_list":[{"text":"a","key":"k","style":5}]`), 40058},
		"link button without url":              {buttons(`"button_list":[{"text":"a","type":1}]`), 42028},
		"link button without key":              {buttons(`"button_list":[{"text":"a","type":1,"url":"https://a"}]`), 0},
		"button card with card_action":         {buttons(`"button_list":[{"text":"a","key":"k"}],` + toURL), 0},
		"button card with card_action 0":       {buttons(`"button_list":[{"text":"a","key":"k"}],"card_action":{"type":0}`), 0},
		"button card with a bad card_action":   {buttons(`"button_list":[{"text":"a","key":"k"}],"card_action":{"type":1}`), 42028},
		"button_selection without question":    {buttons(`"button_list":[{"text":"a","key":"k"}],"button_selection":{"option_list":` + options(1) + `}`), 42043},
		"button_selection with 10 options":     {buttons(`"button_list":[{"text":"a","key":"k"}],"button_selection":{"question_key":"q","option_list":` + options(10) + `}`), 0},
		"button_selection with 11 options":     {buttons(`"button_list":[{"text":"a","key":"k"}],"button_selection":{"question_key":"q","option_list":` + options(11) + `}`), 42037},
		"vote":                                 {vote(`{"question_key":"q","option_list":` + options(20) + `}`), 0},
		"vote without task_id":                 {card("vote_interaction", titled+`,`+submit+`,"checkbox":{"question_key":"q","option_list":`+options(1)+`}`), 42014},
		"vote without checkbox":                {vote(`null`), 42043},
		"vote question_key too long":           {vote(`{"question_key":"` + long + `","option_list":` + options(1) + `}`), 42043},
		"vote without options":                 {vote(`{"question_key":"q"}`), 42037},
		"vote with 21 options":                 {vote(`{"question_key":"q","option_list":` + options(21) + `}`), 42037},
		"option without id":                    {vote(`{"question_key":"q","option_list":[{"text":"x"}]}`), 42040},
		"option id too long":                   {vote(`{"question_key":"q","option_list":[{"id":"` + long + `","text":"x"}]}`), 42040},
		"option ids equal":                     {vote(`{"question_key":"q","option_list":` + repeat(`{"id":"i","text":"x"}`, 2) + `}`), 42040},
		"option without text":                  {vote(`{"question_key":"q","option_list":[{"id":"i"}]}`), 42041},
		"submit_button without key":            {strings.Replace(vote(`{"question_key":"q","option_list":`+options(1)+`}`), `"key":"s"`, `"key":""`, 1), 42046},
		"submit_button without text":           {strings.Replace(vote(`{"question_key":"q","option_list":`+options(1)+`}`), `"text":"Send"`, `"text":""`, 1), 42049},
		"questions":                            {multiple(`[{"question_key":"p","option_list":` + options(10) + `},{"question_key":"q","option_list":` + options(1) + `}]`), 0},
		"no question":                          {multiple(`[]`), 42047},
		"4 questions":                          {multiple(repeat(`{}`, 4)), 42047},
		"question without question_key":        {multiple(`[{"option_list":` + options(1) + `}]`), 42043},
		"question_keys equal":                  {multiple(repeat(`{"question_key":"q","option_list":`+options(1)+`}`, 2)), 42043},
		"question with 11 options":             {multiple(`[{"question_key":"q","option_list":` + options(11) + `}]`), 42037},
		"questions without submit_button":      {strings.Replace(multiple(`[{"question_key":"q","option_list":`+options(1)+`}]`), submit, `"a":1`, 1), 42046},
		"multiple without title":               {strings.Replace(multiple(`[]`), titled, `"a":1`, 1), 42033},
		"action_menu on a button card is fine": {buttons(`"button_list":[{"text":"a","key":"k"}],"action_menu":{"action_list":[{"text":"a","key":"k"}]}`), 0},
	})
}

func TestOnlyCardsThatCallBackGetAResponseCode(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for name, tc := range map[string]struct {
		body string
		want bool
	}{
		"text_notice":                  {textNotice(`"a":1`), false},
		"news_notice":                  {newsNotice(picture), false},
		"text_notice with action_menu": {textNotice(`"task_id":"t","action_menu":{"action_list":[{"text":"a","key":"k"}]}`), true},
		"button_interaction":           {buttons(`"button_list":[{"text":"a","key":"k"}]`), true},
		"vote_interaction":             {vote(`{"question_key":"q","option_list":` + options(1) + `}`), true},
		"multiple_interaction":         {multiple(`[{"question_key":"q","option_list":` + options(1) + `}]`), true},
		"text":                         {text("a", "x"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.send(tc.body)
			if a.ErrCode != 0 || (a.ResponseCode != "") != tc.want {
				t.Errorf("errcode %d (%s), response_code %q", a.ErrCode, a.ErrMsg, a.ResponseCode)
			}
		})
	}
}
