package wecom_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/wecom"
)

var (
	han     = regexp.MustCompile(`\p{Han}`)
	numbers = regexp.MustCompile(`\d+`)
	// latin are ends of sentences that were not translated.
	latin = regexp.MustCompile(`[a-z][.,;] |\.$`)
)

func TestEveryCodeIsExplainedInChineseWithTheSameNumbers(t *testing.T) {
	t.Parallel()
	for _, code := range append(wecom.Codes(), 12345) {
		for what, texts := range map[string][2]string{
			"meaning": {code.MeaningIn(wecom.English), code.MeaningIn(wecom.Chinese)},
			"hint":    {code.HintIn(wecom.English), code.HintIn(wecom.Chinese)},
		} {
			if !han.MatchString(texts[1]) || latin.MatchString(texts[1]) {
				t.Errorf("%s of %d is %q", what, code, texts[1])
			}
			var in [2][]string
			for i, text := range texts {
				in[i] = numbers.FindAllString(text, -1)
				slices.Sort(in[i])
			}
			if diff := cmp.Diff(in[0], in[1]); diff != "" {
				t.Errorf("numbers in the %s of %d, English (-) and Chinese (+):\n%s", what, code, diff)
			}
		}
	}
}
