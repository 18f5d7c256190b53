package dashboard_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/dashboard"
	"github.com/wecomq/wecomq/tasks"
)

const head = `{"v":1,"id":"ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E","app":"ops","priority":"default","enqueued_at":1790000000123,`

func TestFormatPayload(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ typeName, payload, want string }{
		"a text and its reader": {
			"message:text", head + `"body":{"touser":"zhangsan","msgtype":"text","text":{"content":"disk <full> & hot"}}}`,
			`{"to":"zh***n","text":"disk <full> & hot"}`,
		},
		"many readers, departments and tags": {
			"message:text", head + `"body":{"touser":"a|li|wangwu|zhaoliu|sunqi","toparty":"12","totag":"3","msgtype":"text","text":{"content":"x"}}}`,
			`{"to":"a***, l***, wa***u, +2; departments 12; tags 3","text":"x"}`,
		},
		"everybody is nobody in particular": {
			"message:text", head + `"body":{"touser":"@all","msgtype":"text","text":{"content":"x"}}}`,
			`{"to":"@all","text":"x"}`,
		},
		"numbers and addresses are masked, times are not": {
			"message:text", head + `"body":{"touser":"zhangsan","msgtype":"text","text":{"content":"13912345678 8613912345678 139-1234-5678 li.lei@corp.example.com 1790000000123 order 20260921141320"}}}`,
			`{"to":"zh***n","text":"139****5678 86139****5678 139-****-5678 l***@corp.example.com 1790000000123 order 20260921141320"}`,
		},
		"lines and joined emoji stay, tricks with direction do not": {
			"message:text", head + `"body":{"touser":"zhangsan","msgtype":"text","text":{"content":"a\n\tb 👨‍👩‍👧‍👦 \u202ekcab\u0007"}}}`,
			`{"to":"zh***n","text":"a\n\tb 👨‍👩‍👧‍👦 kcab"}`,
		},
		"a card's words in order": {
			"message:template_card", head + `"body":{"touser":"zhangsan","msgtype":"template_card","template_card":{"card_type":"text_notice","sub_title_text":"2% per hour","main_title":{"title":"Disk","desc":"db-03"},"task_id":"x"}}}`,
			`{"to":"zh***n","text":"Disk · db-03 · 2% per hour"}`,
		},
		"articles": {
			"message:news", head + `"body":{"touser":"zhangsan","msgtype":"news","news":{"articles":[{"title":"A","url":"https://x"},{"title":"B"}]}}}`,
			`{"to":"zh***n","text":"A · B"}`,
		},
		"a part of a message that replays another one": {
			"message:text", head + `"expires_at":1790000060000,"part":2,"parts":3,"replay_of":"ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2F","body":{"touser":"zhangsan","msgtype":"text","text":{"content":""}}}`,
			`{"to":"zh***n","part":"2 of 3","replay_of":"ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2F","expires_at":"2026-09-21T14:14:20Z"}`,
		},
		"of a newer version":                  {"message:text", `{"v":9}`, `{"problem":"the payload is of a newer version of wecomq: 9, this one reads up to 2"}`},
		"a payload of ours that is broken":    {"message:text", `{"v":1,"touser":"zhangsan"}`, `{"problem":"decode payload: id: \"\" is not <app>-<26 characters>"}`},
		"somebody else's task":                {"email:send", `{"user":"x","phone":"13800138000"}`, `{"user":"x","phone":"138****8000"}`},
		"bytes that are no text":              {"other", "\xff\x00a", "�a"},
		"nothing":                             {"other", "", ""},
		"a number too long to be of a mobile": {"other", "113800138000", "113800138000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := dashboard.FormatPayload(tc.typeName, []byte(tc.payload)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestFormatPayloadCutsLongTexts(t *testing.T) {
	t.Parallel()
	long := head + `"body":{"touser":"zhangsan","msgtype":"markdown","markdown":{"content":"` + strings.Repeat("磁盘", 1000) + `"}}}`
	got := dashboard.FormatPayload("message:markdown", []byte(long))
	if n := utf8.RuneCountInString(got); n > dashboard.MaxText+40 || !strings.Contains(got, "盘…") || !utf8.ValidString(got) {
		t.Errorf("%d characters: %s", n, got)
	}
}

func TestFormatResult(t *testing.T) {
	t.Parallel()
	record, err := tasks.Record{
		ID: "ops-1", State: tasks.Rejected, ErrCode: 81013, ErrMsg: "user & party & tag all invalid", Attempts: 1,
		Recipients: tasks.Recipients{Invalid: []string{"zhangsan", "lisi", "wangwu", "zhaoliu"}, InvalidTags: []string{"9"}},
	}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		result string
		want   []string
	}{
		"a record with what to do":  {string(record), []string{`"state":"rejected"`, `"errcode":81013`, `"hint":"`, `"refused":"invalid: zh***n, l***, wa***u, +1; invalid tags: 9"`}},
		"nothing":                   {"", nil},
		"what is no record, masked": {"sent to 13800138000\n", []string{"138****8000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := dashboard.FormatResult("", []byte(tc.result))
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s lacks %s", got, want)
				}
			}
			if strings.Contains(got, "zhangsan") || strings.Contains(got, "13800138000") {
				t.Errorf("%s tells too much", got)
			}
		})
	}
}

func FuzzFormatPayload(f *testing.F) {
	f.Add("message:text", []byte(head+`"body":{"touser":"zhangsan","msgtype":"text","text":{"content":"13800138000"}}}`))
	f.Add("message:news", []byte(head+`"body":{"touser":7,"msgtype":"news","news":[[{"title":{"title":[]}}]]}}`))
	f.Add("", []byte("\xff\u202e"))
	f.Fuzz(func(t *testing.T, typeName string, payload []byte) {
		for _, shown := range []string{dashboard.FormatPayload(typeName, payload), dashboard.FormatResult(typeName, payload)} {
			if !utf8.ValidString(shown) || len(shown) > 16<<10 || strings.ContainsAny(shown, "\u202e\x00") {
				t.Errorf("shown: %q", shown)
			}
		}
	})
}
