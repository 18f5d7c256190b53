package broadcast_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast"
)

func TestAnOrderIsReadStrictly(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]string{
		`{"text":"a"} {}`:     "more than one JSON value",
		`{"txt":"a"}`:         "txt: no such member",
		`{"rate":"fast"}`:     "rate: is not a int but a JSON string",
		`{"rate":1.5}`:        "rate: is not a int but a JSON number 1.5",
		`{"at":"tomorrow"}`:   `at: tomorrow is not a time such as`,
		`{"at":"2026-01-02"}`: `at: 2026-01-02 is not a time such as`,
		`[]`:                  "cannot unmarshal array",
		`{"text":"a"`:         "unexpected EOF",
		`{"text":"\xff"}`:     "invalid character",
		``:                    "EOF",
		`{"approve":"yes"}`:   "approve: is not a bool but a JSON string",
	} {
		if _, err := broadcast.ReadOrder([]byte(order)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", order, err, want)
		}
	}
}
