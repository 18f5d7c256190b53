package wecomtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// upload posts a file of some bytes in a part of the given name.
func (b *bundle) upload(token, kind, part string, size int) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("comment", "first")
	file, err := form.CreateFormFile(part, "a.bin")
	if err != nil {
		b.t.Fatal(err)
	}
	_, _ = file.Write(make([]byte, size))
	_ = form.Close()
	return b.postForm(token, kind, form.FormDataContentType(), &body)
}

// postForm posts a body to media/upload without a network.
func (b *bundle) postForm(token, kind, contentType string, body io.Reader) answer {
	b.t.Helper()
	req := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, "/cgi-bin/media/upload?access_token="+token+"&type="+kind, body)
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	b.ServeHTTP(rec, req)
	var a answer
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		b.t.Fatalf("answer %q: %v", rec.Body, err)
	}
	return a
}

func TestUploadsAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	const mb = 1 << 20
	for name, tc := range map[string]struct {
		kind, part string
		size       int
		want       wecom.Code
	}{
		"type missing":           {part: "media", size: 10, want: 40005},
		"type unknown":           {kind: "audio", part: "media", size: 10, want: 40005},
		"no part named media":    {kind: "file", part: "file", size: 10, want: 44001},
		"empty file":             {kind: "file", part: "media", want: 44001},
		"5 bytes":                {kind: "file", part: "media", size: 5, want: 40006},
		"6 bytes":                {kind: "file", part: "media", size: 6, want: 0},
		"image of 10 MB":         {kind: "image", part: "media", size: 10 * mb, want: 0},
		"image over 10 MB":       {kind: "image", part: "media", size: 10*mb + 1, want: 40009},
		"voice over 2 MB":        {kind: "voice", part: "media", size: 2*mb + 1, want: 45001},
		"video over 10 MB":       {kind: "video", part: "media", size: 10*mb + 1, want: 40011},
		"file of 20 MB":          {kind: "file", part: "media", size: 20 * mb, want: 0},
		"file larger than 20 MB": {kind: "file", part: "media", size: 20*mb + 1, want: 45001},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := b.upload(b.token, tc.kind, tc.part, tc.size); a.ErrCode != tc.want {
				t.Errorf("errcode = %d (%s), want %d", a.ErrCode, a.ErrMsg, tc.want)
			}
		})
	}
	b.wantCode(b.post("media/upload", "type=file"), 40005)
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/media/upload?type=file&access_token="+b.token, "no multipart"), 44001)
}

func TestUploadsThatBreakOffAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for name, tc := range map[string]struct {
		body string
		want wecom.Code
	}{
		"before the file": {"--b\r\nContent-Disposition: form-", 44001},
		"within the file": {"--b\r\nContent-Disposition: form-data; name=\"media\"\r\n\r\nhalf a fi", 40058},
		"in a bad header": {"--b\r\nno header\r\n\r\nfile", 40058},
	} {
		a := b.postForm(b.token, "file", "multipart/form-data; boundary=b", strings.NewReader(tc.body))
		if a.ErrCode != tc.want || a.MediaID != "" {
			t.Errorf("%s: errcode = %d (%s), media_id %q, want %d", name, a.ErrCode, a.ErrMsg, a.MediaID, tc.want)
		}
	}
}

func TestUploadAnswersLikeWeCom(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	a := b.upload(b.token, "file", "media", 10)
	if a.ErrMsg != "" || a.Type != "file" || a.MediaID == "" || a.CreatedAt != strconv.FormatInt(b.clock.Now().Unix(), 10) {
		t.Errorf("answer %+v", a)
	}
}

func TestMediaBelongToTheCompanyForThreeDays(t *testing.T) {
	t.Parallel()
	rules := wecomtest.Rules{
		TokenTTL: longLived.TokenTTL,
		Apps: []wecomtest.App{
			{CorpID: "ww1", AgentID: 1000002, Secret: "a"},
			{CorpID: "ww1", AgentID: 1000003, Secret: "b"},
			{CorpID: "ww2", AgentID: 1000002, Secret: "c"},
		},
		StrictMedia: true,
	}
	b := setup(t, rules)
	id := b.upload(b.login("ww1", "b"), "image", "media", 10).MediaID
	picture := message("image", `{"media_id":"`+id+`"}`)
	other := "/cgi-bin/message/send?access_token=" + b.login("ww2", "c")
	b.wantCode(b.send(picture), 0)
	b.wantCode(b.send(message("file", `{"media_id":"`+id+`"}`)), 40007)
	b.wantCode(b.call(http.MethodPost, other, picture), 40007)
	b.clock.Advance(72*time.Hour - 1)
	b.wantCode(b.send(picture), 0)
	b.clock.Advance(1)
	b.wantCode(b.send(picture), 40007)

	fresh := b.upload(b.token, "image", "media", 10).MediaID
	b.wantCode(b.send(message("image", `{"media_id":"`+fresh+`"}`)), 0)
	b.ExpireMedia()
	b.wantCode(b.send(message("image", `{"media_id":"`+fresh+`"}`)), 40007)
	if n := b.Stats().Uploads; n != 2 {
		t.Errorf("%d uploads are counted, want 2", n)
	}

	rules.StrictMedia = false
	if err := b.SetRules(rules); err != nil {
		t.Fatal(err)
	}
	b.wantCode(b.send(picture), 40007) // known to have expired
	b.wantCode(b.call(http.MethodPost, other, picture), 0)
}
