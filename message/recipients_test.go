package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
)

func TestRecipients(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		common message.SendRequestCommon
		want   message.Recipients
		count  int
		all    bool
	}{
		{
			name:   "are split, trimmed and never empty",
			common: message.SendRequestCommon{ToUser: "a| b ||", ToParty: "1|2", ToTag: "3"},
			want:   message.Recipients{Users: []string{"a", "b"}, Parties: []string{"1", "2"}, Tags: []string{"3"}},
			count:  5,
		},
		{
			name: "may be none",
			want: message.Recipients{Users: []string{}, Parties: []string{}, Tags: []string{}},
		},
		{
			name:   "are everyone, whatever parties and tags say",
			common: message.SendRequestCommon{ToUser: "@all", ToParty: "@all", ToTag: "3"},
			want:   message.Recipients{Users: []string{"@all"}},
			count:  1, all: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.common.Recipients()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got.Count() != tt.count || got.All() != tt.all {
				t.Errorf("Count %d, All %t; want %d, %t", got.Count(), got.All(), tt.count, tt.all)
			}
		})
	}
}

func TestUniqueKeepsTheFirstSpelling(t *testing.T) {
	t.Parallel()
	got := message.Recipients{
		Users: []string{"Bob", "amy", "bob", "AMY"}, Parties: []string{"1", "1"}, Tags: []string{"2", "3", "2"},
	}.Unique()
	want := message.Recipients{Users: []string{"Bob", "amy"}, Parties: []string{"1"}, Tags: []string{"2", "3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWithRecipientsLeavesTheRequestAsItIs(t *testing.T) {
	t.Parallel()
	request := text("hi")
	part := message.WithRecipients(&request, message.Recipients{Users: []string{"a", "b"}, Parties: []string{"1"}})
	want := `{"touser":"a|b","toparty":"1","msgtype":"text","agentid":"","text":{"content":"hi"}}`
	if got := encode(t, part); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if request.ToUser != "chen.li" || request.ToParty != "" {
		t.Errorf("the request changed: %+v", *request.SendRequestCommon)
	}
}

func TestCheckUserID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "chen.li", "Wang_Wu-2@corp", strings.Repeat("x", message.MaxUserIDBytes)} {
		if err := message.CheckUserID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", message.AllUsers, "a|b", " a", "a\x00", "_a", "张三", strings.Repeat("x", message.MaxUserIDBytes+1)} {
		err := message.CheckUserID(id)
		if err == nil || !strings.Contains(err.Error(), "is not a userid: 1 to 64 of") {
			t.Errorf("%q: got %v", id, err)
		}
	}
}

func TestDuplicateCheckWindow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		common message.SendRequestCommon
		want   time.Duration
	}{
		{"is nothing while the check is off", message.SendRequestCommon{DuplicateCheckInterval: 60}, 0},
		{"is half an hour by default", message.SendRequestCommon{EnableDuplicateCheck: 1}, 30 * time.Minute},
		{"is the interval", message.SendRequestCommon{EnableDuplicateCheck: 1, DuplicateCheckInterval: 60}, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.common.DuplicateCheckWindow(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
