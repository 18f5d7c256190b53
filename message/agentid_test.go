package message_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/message"
)

func TestFillAgentID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, agentID, want string
	}{
		{"writes the number in place", `{"touser":"a","agentid":"","text":{}}`, "12", `{"touser":"a","agentid":12,"text":{}}`},
		{"quotes what is no number", `{"agentid":""}`, `a"b`, `{"agentid":"a\"b"}`},
		{"quotes a number with a leading zero", `{"agentid":""}`, "012", `{"agentid":"012"}`},
		{"keeps an agentid that is there", `{"agentid":7}`, "12", `{"agentid":7}`},
		{"keeps a body without an agentid", `{"a":1}`, "12", `{"a":1}`},
		{"keeps the body when there is nothing to fill in", `{"agentid":""}`, "", `{"agentid":""}`},
		{"passes by nested objects", `{"text":{"agentid":""},"agentid":""}`, "12", `{"text":{"agentid":""},"agentid":12}`},
		{"passes by arrays", `{"l":[{"agentid":""}],"agentid":""}`, "12", `{"l":[{"agentid":""}],"agentid":12}`},
		{"is not fooled by strings", `{"c":",\"agentid\":\"\"\\","agentid":""}`, "12", `{"c":",\"agentid\":\"\"\\","agentid":12}`},
		{"is not fooled by a value that looks like the name", `{"c":"agentid","d":"","agentid":""}`, "12", `{"c":"agentid","d":"","agentid":12}`},
		{"copes with blanks", "{ \"agentid\" :\n\"\" }", "12", "{ \"agentid\" :\n12 }"},
		{"keeps what is no object", `["agentid",""]`, "12", `["agentid",""]`},
		{"keeps what is no JSON", `{"agentid`, "12", `{"agentid`},
		{"keeps an empty body", ``, "12", ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := []byte(tt.body)
			got := message.FillAgentID(body, tt.agentID)
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if string(body) != tt.body {
				t.Errorf("the argument became %s", body)
			}
		})
	}
}

// FillAgentID changes the one member, whatever stands around it.
func TestFillAgentIDChangesNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		object := map[string]any{
			"agentid": "",
			"a":       rapid.StringMatching(`["\\,:{}\[\] a]{0,12}`).Draw(t, "before"),
			"z":       rapid.StringMatching(`["\\,:{}\[\] a]{0,12}`).Draw(t, "after"),
			"l":       []any{map[string]any{"agentid": ""}, rapid.String().Draw(t, "text")},
		}
		body, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(message.FillAgentID(body, "1000012"), &got); err != nil {
			t.Fatal(err)
		}
		object["agentid"] = 1000012.0
		if diff := cmp.Diff(object, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// Encoding early and filling in later gives the bytes of encoding at once.
func TestFillingInLaterMakesTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		request := text(rapid.String().Draw(t, "content"))
		early, err := message.Encode(request)
		if err != nil {
			t.Fatal(err)
		}
		request.AgentID = rapid.StringMatching(`[1-9][0-9]{0,8}`).Draw(t, "agentid")
		atOnce, err := message.Encode(request)
		if err != nil {
			t.Fatal(err)
		}
		if filled := message.FillAgentID(early, request.AgentID); string(filled) != string(atOnce) {
			t.Errorf("filled in %s\nat once   %s", filled, atOnce)
		}
	})
}

func FuzzFillAgentID(f *testing.F) {
	f.Add([]byte(`{"agentid":""}`))
	f.Add([]byte(`{"a":[{"b":"\\"}],"agentid" : "" }`))
	f.Fuzz(func(t *testing.T, body []byte) {
		filled := message.FillAgentID(body, "1")
		if json.Valid(body) && !json.Valid(filled) {
			t.Errorf("%q became %q", body, filled)
		}
	})
}
