package message_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

func TestRawRequestsKeepWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"an unknown msgtype": {
			`{"msgtype":"hologram", "hologram": {"z":1,"a":[true, null]}, "touser":"a"}`,
			`{"touser":"a","msgtype":"hologram","agentid":"","hologram":{"z":1,"a":[true,null]}}`,
		},
		"unknown members": {
			`{"expiry":5,"touser":"a","msgtype":"text","text":{"content":"x","bold":false}}`,
			`{"touser":"a","msgtype":"text","agentid":"","expiry":5,"text":{"content":"x","bold":false}}`,
		},
		"nothing but what all share": {`{"touser":"a","msgtype":"ping"}`, `{"touser":"a","msgtype":"ping","agentid":""}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := message.ParseOpen([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			body, err := message.Encode(request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			again, err := message.ParseRaw(body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(request, message.Request(again)); diff != "" {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseOpenChecksWhatItKnows(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"touser":"a","msgtype":"text","text":{"content":"","bold":true}}`: "text.content: missing or empty",
		`{"touser":"a","msgtype":"text","text":{"content":7,"bold":true}}`:  "text.content: a number (7), want a string",
		`{"touser":7,"msgtype":"hologram"}`:                                 "touser: a number (7), want a string",
		`{"touser":"a","msgtype":"text","image":{},"text":{"content":"x"}}`: "image: the content of another msgtype; remove it",
		`{"touser":"a"}`: "msgtype: missing",
		`{"touser":"a","msgtype":"template_card","template_card":{"new_one":1}}`: "template_card.card_type",
	} {
		if _, err := message.ParseOpen([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestRawRequestsReferToFilesToo(t *testing.T) {
	t.Parallel()
	ref := "sha256:" + strings.Repeat("ab", 32)
	raw, err := message.ParseRaw([]byte(`{"touser":"a","msgtype":"mpnews","mpnews":{"articles":[{"thumb_media_id":"` + ref + `","x":1},{"thumb_media_id":"own"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []message.MediaRef{{Kind: wecom.MediaImage, Hash: strings.Repeat("ab", 32)}}
	if diff := cmp.Diff(want, message.MediaRefs(raw)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var fields []string
	changed, err := message.MapMedia(raw, func(field string, _ wecom.MediaType, id string) (string, error) {
		fields = append(fields, field)
		return id + "!", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mpnews.articles[0].thumb_media_id", "mpnews.articles[1].thumb_media_id"}, fields); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	body, err := message.Encode(changed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), `[{"thumb_media_id":"`+ref+`!","x":1},{"thumb_media_id":"own!"}]`) {
		t.Errorf("%s", body)
	}
}

func TestALikelyTypoIsNamed(t *testing.T) {
	t.Parallel()
	known := []string{"touser", "toparty", "content", "title", "description"}
	for name, want := range map[string]string{
		"tousers": "touser", "toUser": "touser", "to_user": "touser", "contents": "content", "contnet": "content", "titel": "title",
		"colour": "", "x": "", "": "", strings.Repeat("long", 1000): "",
	} {
		if got := message.Nearest(name, known); got != want {
			t.Errorf("%.20q: %q, want %q", name, got, want)
		}
	}
}

func TestARawRequestThatIsNoMessage(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                                  "is not JSON",
		`{"touser":"a","msgtype":"x"`:       "is not JSON: line 1, byte 27",
		`[]`:                                "want an object",
		`{"touser":"a","ping":{}}`:          "msgtype: missing",
		`{"touser":["a"],"msgtype":"ping"}`: "touser: an array",
	} {
		if _, err := message.ParseRaw([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	for _, members := range []string{"", " ", "null", `["x"]`, `{"x":`} {
		raw := message.RawRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: "a", MsgType: "ping"}, Members: json.RawMessage(members)}
		if body, err := message.Encode(raw); err == nil {
			t.Errorf("members %q are encoded as %s", members, body)
		}
	}
}
