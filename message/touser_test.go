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

func TestWithoutGroups(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"empties departments and tags": {`{"touser":"a","toparty":"1|2","totag":"3","x":1}`, `{"touser":"a","toparty":"","totag":"","x":1}`},
		"passes by nested objects":     {`{"text":{"totag":"1"},"totag":"2"}`, `{"text":{"totag":"1"},"totag":""}`},
		"keeps a body without any":     {`{"touser":"a"}`, `{"touser":"a"}`},
		"keeps what is no JSON":        {`{"toparty`, `{"toparty`},
	} {
		body := []byte(tt.body)
		if got := string(message.WithoutGroups(body)); got != tt.want || string(body) != tt.body {
			t.Errorf("%s: got %s, want %s; the body itself is %s", name, got, tt.want, body)
		}
	}
}

func TestAddressees(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][3]string{
		`{"touser":"a|b","toparty":"1","totag":"2"}`: {"a|b", "1", "2"},
		`{"text":{"touser":"x"},"totag":"二"}`:        {"", "", "二"},
		`{"touser":7,"toparty":null,"totag":["2"]}`:  {},
		`{"touser":"a"`: {},
		`["touser"]`:    {},
		``:              {},
	} {
		users, parties, tags := message.Addressees([]byte(body))
		if got := [3]string{users, parties, tags}; got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
