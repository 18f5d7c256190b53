package wecom_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

func TestUploadMediaSendsTheFormOfPage90253(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.post = func(w http.ResponseWriter, r *http.Request) {
		part, err := r.MultipartReader()
		if err != nil {
			t.Error(err)
			return
		}
		p, err := part.NextPart()
		if err != nil {
			t.Error(err)
			return
		}
		content, _ := io.ReadAll(p)
		if got := p.Header.Get("Content-Disposition"); got != `form-data; name="media"; filename="季度报告.pdf"; filelength=8` {
			t.Errorf("Content-Disposition %s", got)
		}
		if string(content) != "%PDF-1.7" || r.URL.Query().Get("type") != "file" {
			t.Errorf("WeCom got %q of type %s", content, r.URL.Query().Get("type"))
		}
		answer(w, `{"errcode":0,"errmsg":"","type":"file","media_id":"3cZz","created_at":"1760000000"}`)
	}
	media, err := s.client(t).UploadMedia(t.Context(), wecom.MediaFile, "季度报告.pdf", []byte("%PDF-1.7"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (wecom.Media{Type: wecom.MediaFile, ID: "3cZz", CreatedAt: time.Unix(1760000000, 0)}); *media != want {
		t.Errorf("media %+v, want %+v", *media, want)
	}
}

func TestUploadMediaChecksBeforeItSends(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.post = func(http.ResponseWriter, *http.Request) { t.Error("a bad file was sent") }
	client := s.client(t)
	for name, tc := range map[string]struct {
		kind     wecom.MediaType
		filename string
		size     int
		says     string
	}{
		"an unknown type":            {"gif", "a.gif", 10, `type "gif" is none of image, voice, video, file`},
		"five bytes":                 {wecom.MediaFile, "a.txt", 5, "5 bytes, WeCom takes no file under 6"},
		"a voice of over 2 MB":       {wecom.MediaVoice, "a.amr", 2<<20 + 3, "2097155 bytes, 3 more than WeCom's limit of 2097152 for type voice"},
		"a name with a backslash":    {wecom.MediaFile, `a\b`, 10, "file name"},
		"a name with a line break":   {wecom.MediaFile, "a\r\nX: y", 10, "file name"},
		"a name that is a path":      {wecom.MediaFile, "/etc/passwd", 10, "file name"},
		"a name with a double quote": {wecom.MediaFile, `a".txt`, 10, "file name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.UploadMedia(t.Context(), tc.kind, tc.filename, make([]byte, tc.size))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v does not say %q", err, tc.says)
			}
			assertNoSecrets(t, err)
		})
	}
}
