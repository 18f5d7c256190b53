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
		{name: "writes the number in place", body: `{"touser":"a","agentid":"","text":{}}`, agentID: "12", want: `{"touser":"a","agentid":12,"text":{}}`},
		{name: "quotes what is no number", body: `{"agentid":""}`, agentID: `a"b`, want: `{"agentid":"a\"b"}`},
		{name: "quotes a number with a leading zero", body: `{"agentid":""}`, agentID: "012", want: `{"agentid":"012"}`},
		{name: "keeps an agentid that is there", body: `{"agentid":7}`, agentID: "12", want: `{"agentid":7}`},
		{name: "keeps a body without an agentid", body: `{"a":1}`, agentID: "12", want: `{"a":1}`},
		{name: "keeps the body when there is nothing to fill in", body: `{"agentid":""}`, want: `{"agentid":""}`},
		{name: "passes by nested objects", body: `{"text":{"agentid":""},"agentid":""}`, agentID: "12", want: `{"text":{"agentid":""},"agentid":12}`},
		{name: "passes by arrays", body: `{"l":[{"agentid":""}],"agentid":""}`, agentID: "12", want: `{"l":[{"agentid":""}],"agentid":12}`},
		{name: "is not fooled by strings", body: `{"c":",\"agentid\":\"\"\\","agentid":""}`, agentID: "12", want: `{"c":",\"agentid\":\"\"\\","agentid":12}`},
		{name: "is not fooled by a value that looks like the name", body: `{"c":"agentid","d":"","agentid":""}`, agentID: "12", want: `{"c":"agentid","d":"","agentid":12}`},
		{name: "copes with blanks", body: "{ \"agentid\" :\n\"\" }", agentID: "12", want: "{ \"agentid\" :\n12 }"},
		{name: "keeps what is no object", body: `["agentid",""]`, agentID: "12", want: `["agentid",""]`},
		{name: "keeps what is no JSON", body: `{"agentid`, agentID: "12", want: `{"agentid`},
		{name: "keeps an empty body", body: ``, agentID: "12", want: ``},
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
