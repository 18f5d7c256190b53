package message_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
)

func TestSendResponseLists(t *testing.T) {
	t.Parallel()
	none := [][]string{{}, {}, {}, {}}
	tests := []struct {
		name, answer string
		want         [][]string // users, parties, tags, unlicensed
	}{
		{"absent members are empty", `{"errcode":0,"errmsg":"ok"}`, none},
		{"so are empty strings", `{"invaliduser":"","invalidparty":"","invalidtag":"","unlicenseduser":""}`, none},
		{"so are nulls", `{"invaliduser":null,"invalidparty":null,"invalidtag":null,"unlicenseduser":null}`, none},
		{
			"lists are split and trimmed", `{"invaliduser":"zhao.min| old_user|","invalidparty":"99","invalidtag":"1|2","unlicenseduser":"temp01"}`,
			[][]string{{"zhao.min", "old_user"}, {"99"}, {"1", "2"}, {"temp01"}},
		},
		{
			"lists that are joined otherwise", `{"invaliduser":"lisi, wangwu","unlicenseduser":"a;b"}`,
			[][]string{{"lisi", "wangwu"}, {}, {}, {"a", "b"}},
		},
		{
			"arrays, numbers and blanks", `{"invaliduser":["lisi","wangwu"],"invalidparty":3,"invalidtag":[1,"2"],"unlicenseduser":" lisi | wangwu "}`,
			[][]string{{"lisi", "wangwu"}, {"3"}, {"1", "2"}, {"lisi", "wangwu"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var r message.SendResponse
			if err := json.Unmarshal([]byte(tt.answer), &r); err != nil {
				t.Fatal(err)
			}
			got := [][]string{r.InvalidUsers(), r.InvalidParties(), r.InvalidTags(), r.UnlicensedUsers()}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWhatIsNotUnderstoodIsNamed(t *testing.T) {
	t.Parallel()
	var r message.SendResponse
	answer := `{"errcode":0,"errmsg":5,"invaliduser":{"a":1},"invalidparty":true,"invalidtag":"1","unlicenseduser":[["x"]],"msgid":"m"}`
	if err := json.Unmarshal([]byte(answer), &r); err != nil {
		t.Fatal(err)
	}
	want := message.SendResponse{InvalidTag: "1", MsgID: "m", Unread: []string{"invaliduser", "invalidparty", "unlicenseduser"}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestIDListReadsBothForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		want         []string
	}{
		{"an array", `{"invaliduser":["a","b"]}`, []string{"a", "b"}},
		{"a joined string", `{"invaliduser":"a|b"}`, []string{"a", "b"}},
		{"an empty string", `{"invaliduser":""}`, nil},
		{"null", `{"invaliduser":null}`, nil},
		{"nothing", `{}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var r message.UpdateTemplateCardResponse
			if err := json.Unmarshal([]byte(tt.answer), &r); err != nil {
				t.Fatal(err)
			}
			if len(r.InvalidUser) != len(tt.want) || len(tt.want) > 0 && !cmp.Equal(tt.want, []string(r.InvalidUser)) {
				t.Errorf("got %v, want %v", r.InvalidUser, tt.want)
			}
		})
	}
	if err := json.Unmarshal([]byte(`{"invaliduser":5}`), new(message.UpdateTemplateCardResponse)); err == nil {
		t.Error("a number is no list")
	}
}

// FuzzSendResponse: whatever WeCom answers, what is read names no user twice over and empty,
// and a list that is not understood is named.
func FuzzSendResponse(f *testing.F) {
	for _, answer := range []string{
		`{"errcode":0,"invaliduser":"a|b","msgid":"m"}`, `{"invaliduser":["a",1,null],"invalidparty":7,"invalidtag":null}`,
		`{"invaliduser":{"a":1},"unlicenseduser":[["a"]]}`, `[]`, `null`, ``, `{"errcode":"0","errcode":1e400}`,
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var r message.SendResponse
		if err := json.Unmarshal(answer, &r); err != nil {
			return
		}
		for _, list := range []string{r.InvalidUser, r.InvalidParty, r.InvalidTag, r.UnlicensedUser} {
			if list != "" && slices.Contains(strings.Split(list, "|"), "") {
				t.Errorf("%q has an empty name", list)
			}
		}
		var members map[string]any
		_ = json.Unmarshal(answer, &members)
		for _, name := range r.Unread {
			if _, there := members[name]; !there {
				t.Errorf("%s is named, and is not there", name)
			}
		}
	})
}
