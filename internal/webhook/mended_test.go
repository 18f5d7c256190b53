package webhook

import (
	"strings"
	"testing"
)

func TestLineBreaksInGreatNumbersAreNotMended(t *testing.T) {
	t.Parallel()
	few, many := `{"a":"x`+"\n"+`y",}`, `{"a":"`+strings.Repeat("\n", 1<<20)+`"}`
	if got := string(mended([]byte(few))); got != `{"a":"x\u000ay"}` {
		t.Errorf("%s becomes %s", few, got)
	}
	if got := string(mended([]byte(many))); got != many {
		t.Errorf("a body of %d bytes becomes one of %d", len(many), len(got))
	}
}
