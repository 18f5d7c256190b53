package message_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

var (
	hashA = strings.Repeat("a", 64)
	hashB = strings.Repeat("b", 64)
)

func TestMediaRefsOfEveryPlaceThatTakesAMediaID(t *testing.T) {
	t.Parallel()
	a, b := "sha256:"+hashA, "sha256:"+hashB
	for name, tc := range map[string]struct {
		body string
		want []message.MediaRef
	}{
		"an image":             {content("image", `{"media_id":"`+a+`"}`), []message.MediaRef{{Kind: wecom.MediaImage, Hash: hashA}}},
		"a voice":              {content("voice", `{"media_id":"`+a+`"}`), []message.MediaRef{{Kind: wecom.MediaVoice, Hash: hashA}}},
		"a video":              {content("video", `{"media_id":"`+a+`"}`), []message.MediaRef{{Kind: wecom.MediaVideo, Hash: hashA}}},
		"a file with its name": {content("file", `{"media_id":"`+a+`/季度 报告.pdf"}`), []message.MediaRef{{Kind: wecom.MediaFile, Hash: hashA, Name: "季度 报告.pdf"}}},
		"articles": {
			content("mpnews", `{"articles":[{"title":"x","content":"x","thumb_media_id":"`+a+`"},{"title":"x","content":"x","thumb_media_id":"`+
				b+`"},{"title":"x","content":"x","thumb_media_id":"`+a+`"}]}`),
			[]message.MediaRef{{Kind: wecom.MediaImage, Hash: hashA}, {Kind: wecom.MediaImage, Hash: hashB}},
		},
		"a card with an attachment": {
			content("template_card", `{"card_type":"text_notice","horizontal_content_list":[{"keyname":"x"},{"type":2,"keyname":"x","media_id":"`+a+`/a.pdf"}]}`),
			[]message.MediaRef{{Kind: wecom.MediaFile, Hash: hashA, Name: "a.pdf"}},
		},
		"WeCom's own id":        {content("image", `{"media_id":"3aXk"}`), nil},
		"a picture with a name": {content("image", `{"media_id":"`+a+`/chart.png"}`), nil},
		"a hash cut short":      {content("image", `{"media_id":"`+a[:50]+`"}`), nil},
		"capital hex digits":    {content("image", `{"media_id":"sha256:`+strings.Repeat("A", 64)+`"}`), nil},
		"a text":                {content("text", `{"content":"`+a+`"}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, message.MediaRefs(parse(t, tc.body))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFillMediaChangesNothingElse(t *testing.T) {
	t.Parallel()
	named := "sha256:" + hashA + "/a & b.pdf"
	request := message.SendVideoRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "a"},
		Video: message.VideoField{
			MediaID: "sha256:" + hashA, Title: `"media_id":"sha256:` + hashA + `"`, Description: named,
		},
	}
	body, err := message.Encode(request)
	if err != nil {
		t.Fatal(err)
	}
	got := string(message.FillMedia(body, message.MediaRefs(request), []string{"3aXk"}))
	request.Video.MediaID = "3aXk"
	want, err := message.Encode(request)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	file := message.SendFileRequest{SendRequestCommon: request.SendRequestCommon, File: message.FileField{MediaID: named}}
	if body, err = message.Encode(file); err != nil {
		t.Fatal(err)
	}
	if got := string(message.FillMedia(body, message.MediaRefs(file), []string{"3bXk"})); !strings.Contains(got, `"file":{"media_id":"3bXk"}`) {
		t.Errorf("the name stays in %s", got)
	}
}

func TestMapMediaLeavesTheCallersRequestAlone(t *testing.T) {
	t.Parallel()
	request := &message.SendMpNewsRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "a"},
		MpNews:            message.MpNewsField{Articles: []message.MpNewsArticle{{ThumbMediaID: "1"}, {}, {ThumbMediaID: "3"}}},
	}
	var fields []string
	mapped, err := message.MapMedia(request, func(field string, _ wecom.MediaType, id string) (string, error) {
		fields = append(fields, field)
		return id + "!", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mpnews.articles[0].thumb_media_id", "mpnews.articles[2].thumb_media_id"}, fields); diff != "" {
		t.Errorf("fields: -want +got:\n%s", diff)
	}
	if got := mapped.(message.SendMpNewsRequest).MpNews.Articles[2].ThumbMediaID; got != "3!" { //nolint:forcetypeassert // or the test fails
		t.Errorf("the copy has %q, want 3!", got)
	}
	if got := request.MpNews.Articles[2].ThumbMediaID; got != "3" {
		t.Errorf("the caller's request has %q, want 3", got)
	}
	broken := errors.New("broken")
	if _, err := message.MapMedia(request, func(string, wecom.MediaType, string) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of replace", err)
	}
}
