package locale_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/wecom"
)

func TestTheLanguageOfARequest(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]wecom.Language{
		"":                                wecom.English,
		"*":                               wecom.English,
		"zh":                              wecom.Chinese,
		"zh-CN,zh;q=0.9,en;q=0.8":         wecom.Chinese,
		"zh-Hans-SG":                      wecom.Chinese,
		"en-GB,zh;q=0.5":                  wecom.English,
		"zh;q=0.1, en;q=0.9":              wecom.English,
		"fr, zh;q=0.5":                    wecom.Chinese,
		"fr":                              wecom.English,
		"\xff;;q=x,-":                     wecom.English,
		strings.Repeat("zh-", 10_000):     wecom.English,
		strings.Repeat("fr,", 999) + "zh": wecom.Chinese,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/apps", nil)
		r.Header.Set("Accept-Language", accept)
		if got := locale.Of(r); got != want {
			t.Errorf("%.40q: %s, want %s", accept, got, want)
		}
		if r.URL.RawQuery = "a=1&lang=zh-CN"; locale.Of(r) != wecom.Chinese {
			t.Errorf("%.40q and lang=zh-CN: %s", accept, locale.Of(r))
		}
		if r.URL.RawQuery = "lang=%zz"; locale.Of(r) != want {
			t.Errorf("%.40q and no language: %s, want %s", accept, locale.Of(r), want)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	refused := wecom.WithHint(&wecom.Error{API: wecom.APIGetToken, Code: 40001, Msg: "invalid credential, hint: [1]"})
	for _, tc := range []struct{ reason, english, chinese string }{
		{refused, refused, "gettoken: 错误码 40001：" + wecom.Code(40001).MeaningIn(wecom.Chinese) + " (invalid credential)。" + wecom.Code(40001).HintIn(wecom.Chinese)},
		{"paused by ops; and then: " + refused, "paused by ops; and then: " + refused, "paused by ops; and then: gettoken: 错误码 40001：" + wecom.Code(40001).MeaningIn(wecom.Chinese) + " (invalid credential)。" + wecom.Code(40001).HintIn(wecom.Chinese)},
		{
			"waits for its turn: its recipients have had as many messages as WeCom delivers to one member", "waits for its turn: its recipients have had as many messages as WeCom delivers to one member",
			"排队等待：接收人在限定时间内收到的消息已达企业微信对单个成员的上限",
		},
		{"all 5 attempts used up; the last: EOF", "all 5 attempts used up; the last: EOF", "5 次尝试均已用完；最后一次：EOF"},
		{"dial tcp: connection refused", "dial tcp: connection refused", "dial tcp: connection refused"},
		{"errcode 99999999999999999999", "errcode 99999999999999999999", "errcode 99999999999999999999"},
		{"", "", ""},
	} {
		if got := locale.Reason(wecom.English, tc.reason); got != tc.english {
			t.Errorf("%q in English: %q, want %q", tc.reason, got, tc.english)
		}
		if got := locale.Reason(wecom.Chinese, tc.reason); got != tc.chinese {
			t.Errorf("%q in Chinese: %q, want %q", tc.reason, got, tc.chinese)
		}
	}
	unknown := wecom.WithHint(&wecom.Error{API: "message/send", Code: -7777, Msg: "new"})
	if got := locale.Reason(wecom.Chinese, unknown); !strings.Contains(got, "未知错误码") || !strings.Contains(got, "处理后重发") {
		t.Errorf("an errcode that nobody knows: %q", got)
	}
}
