package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestAMessageHasOnlySoManyMembers(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	tests := map[string]struct {
		extra string
		want  int
	}{
		"as many as are allowed":           {strings.Repeat(`,"x":[{"a":1,"b":2}]`, 61), http.StatusUnprocessableEntity},
		"one too many":                     {strings.Repeat(`,"x":1`, 62), http.StatusBadRequest},
		"any number inside and in strings": {`,"x":{` + strings.Repeat(`"a":1,`, 100) + `"b":"` + strings.Repeat(`\":`, 100) + `"}`, http.StatusUnprocessableEntity},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do("POST", "/v1/messages", `{"touser":"a","msgtype":"text","text":{"content":"x"}`+tt.extra+`}`, as(senderToken))
			if a.status != tt.want {
				t.Errorf("HTTP %d, want %d: %s", a.status, tt.want, a.body)
			}
		})
	}
}
