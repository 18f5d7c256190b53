package explanation_test

import (
	"testing"

	"github.com/wecomq/wecomq/internal/explanation"
	"github.com/wecomq/wecomq/wecom"
)

func TestEveryErrcodeIsExplainedInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, code := range append(wecom.Codes(), 12345678) {
		english, chinese := explanation.Of(code, wecom.English), explanation.Of(code, wecom.Chinese)
		for _, e := range []explanation.Explanation{english, chinese} {
			if e.Code != int64(code) || e.Class == "" || e.Meaning == "" || e.Effect == "" || e.Hint == "" && code != 0 {
				t.Errorf("%d is explained as %+v", code, e)
			}
		}
		if english.Class != chinese.Class || english.Effect == chinese.Effect {
			t.Errorf("%d: %+v in English, %+v in Chinese", code, english, chinese)
		}
	}
}
