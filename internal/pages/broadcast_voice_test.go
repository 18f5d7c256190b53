package pages_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestAVoiceOfOverAMinuteIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t).open(operator)
	form := []string{"key", "k", "app", "ops", "type", "voice", "upload"}
	second := strings.Repeat("\x3c"+strings.Repeat("\x00", 31), 50) // frames of 20 ms
	w.want(w.submit(false, "u1\n", append(form, "#!AMR\n"+strings.Repeat(second, 61))...), http.StatusUnprocessableEntity,
		"1m1s long, more than WeCom&#39;s limit of 1m0s for type voice", "not Send to")
	w.want(w.submit(false, "u1\n", append(form, "#!AMR\n"+strings.Repeat(second, 60))...), http.StatusOK, "Send to 1 people")
}
