package message_test

import (
	"testing"

	"github.com/wecomq/wecomq/message"
)

func TestWithToUser(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"replaces the users in place":        {`{"touser":"x|b|y","new":[1],"agentid":7}`, `{"touser":"a|b","new":[1],"agentid":7}`},
		"passes by nested objects":           {`{"text":{"touser":"x"},"touser":"x"}`, `{"text":{"touser":"x"},"touser":"a|b"}`},
		"keeps a body that names nobody":     {`{"toparty":"1"}`, `{"toparty":"1"}`},
		"keeps what is no JSON":              {`{"touser`, `{"touser`},
		"leaves other bytes as they are <&>": {"{ \"touser\" : \"x\", \"c\":\"<&>\" }", "{ \"touser\" : \"a|b\", \"c\":\"<&>\" }"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(tt.body)
			if got := string(message.WithToUser(body, []string{"a", "b"})); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if string(body) != tt.body {
				t.Errorf("the body itself became %s", body)
			}
		})
	}
}
