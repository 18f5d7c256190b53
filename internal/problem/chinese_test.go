package problem

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func TestEveryKindIsSaidInChinese(t *testing.T) {
	t.Parallel()
	for i, k := range append(kinds, fault) {
		if !isChinese(k.chinese) {
			t.Errorf("kind %d, status %d: it says %q in Chinese", i, k.status, k.chinese)
		}
		if !isChinese(titlesInChinese[k.status]) {
			t.Errorf("status %d has no title in Chinese", k.status)
		}
	}
}

func TestAProblemInChinese(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"a field": {
			&message.ValidationError{Fields: []message.FieldError{{Field: "touser", Problem: "missing"}}},
			`{"title":"内容无效","status":422,"detail":"消息内容无效，有误的字段见 errors（touser: missing）","errors":[{"message":"missing","location":"body.touser"}]}`,
		},
		"an errcode": {
			fmt.Errorf("recall: %w", &wecom.Error{API: "message/recall", Code: 60020, Msg: "not allow to access from your ip"}),
			fmt.Sprintf(`{"title":"企业微信调用失败","status":502,"detail":"企业微信返回错误码 60020：%s。%s（recall: message/recall: errcode 60020: %s (not allow to access from your ip)）"}`,
				wecom.Code(60020).MeaningIn(wecom.Chinese), wecom.Code(60020).HintIn(wecom.Chinese), wecom.Code(60020).Meaning()),
		},
	} {
		w := httptest.NewRecorder()
		New(tc.err, "body.").In(wecom.Chinese).Write(w)
		if got := strings.TrimSpace(w.Body.String()); got != tc.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, tc.want)
		}
		if got := w.Header().Get("Content-Language"); got != "zh" {
			t.Errorf("%s: Content-Language %q, want zh", name, got)
		}
		p := New(tc.err, "body.").In(wecom.English)
		if isChinese(p.Title + p.Detail) {
			t.Errorf("%s: in English it says %q, %q", name, p.Title, p.Detail)
		}
	}
	p := New(ErrGuessing, "").In(wecom.Chinese)
	if p.SetStatus(503); !isChinese(p.Title) {
		t.Errorf("with another status its title is %q", p.Title)
	}
}
