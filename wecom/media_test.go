package wecom_test

import (
	"errors"
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
		"no bytes":                   {wecom.MediaFile, "a.txt", 0, "the file is empty"},
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

// voice is an AMR recording of frames of 20 ms each.
func voice(frames int) []byte {
	frame := "\x3c" + strings.Repeat("\x00", 31) // 12.2 kbit/s
	return []byte("#!AMR\n" + strings.Repeat(frame, frames))
}

func TestCheckMediaNamesWhatWeComWouldRefuse(t *testing.T) {
	t.Parallel()
	const (
		mb  = 1 << 20
		png = "\x89PNG\r\n\x1a\n"
		mp4 = "\x00\x00\x00\x18ftypmp42"
	)
	of := func(magic string, size int) []byte { return append([]byte(magic), make([]byte, size-len(magic))...) }
	for name, tc := range map[string]struct {
		kind    wecom.MediaType
		content []byte
		code    wecom.Code // 0: it is taken
		says    string
	}{
		"a PNG of 10 MB":         {wecom.MediaImage, of(png, 10*mb), 0, ""},
		"a JPG":                  {wecom.MediaImage, []byte("\xff\xd8\xff\xe0 and so on"), 0, ""},
		"a PNG over 10 MB":       {wecom.MediaImage, of(png, 10*mb+7), 40009, "10485767 bytes, 7 more than WeCom's limit of 10485760 for type image"},
		"a GIF":                  {wecom.MediaImage, []byte("GIF89a and so on"), 40004, "not a JPG or PNG by its first bytes"},
		"a minute of AMR":        {wecom.MediaVoice, voice(3000), 0, ""},
		"more than a minute":     {wecom.MediaVoice, voice(3001), 45007, "1m0.02s long, more than WeCom's limit of 1m0s"},
		"wide-band AMR":          {wecom.MediaVoice, []byte("#!AMR-WB\n\x04"), 0, ""},
		"AMR that breaks off":    {wecom.MediaVoice, voice(2)[:50], 0, ""},
		"AMR over 2 MB":          {wecom.MediaVoice, of("#!AMR\n", 2*mb+1), 45001, "1 more than WeCom's limit of 2097152 for type voice"},
		"an MP3":                 {wecom.MediaVoice, []byte("ID3 and so on"), 301017, "not an AMR"},
		"an MP4":                 {wecom.MediaVideo, []byte(mp4), 0, ""},
		"an MP4 over 10 MB":      {wecom.MediaVideo, of(mp4, 10*mb+1), 40011, "1 more than WeCom's limit of 10485760 for type video"},
		"an AVI":                 {wecom.MediaVideo, []byte("RIFF1234AVI "), 40004, "not an MP4"},
		"any 20 MB as a file":    {wecom.MediaFile, make([]byte, 20*mb), 0, ""},
		"more than 20 MB":        {wecom.MediaFile, make([]byte, 20*mb+1), 45001, "1 more than WeCom's limit of 20971520 for type file"},
		"a picture of six bytes": {wecom.MediaImage, []byte("\xff\xd8\xff\xe0\x00\x10"), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := wecom.CheckMedia(tc.kind, "a.bin", tc.content)
			if tc.code == 0 {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, tc.code) || !strings.Contains(err.Error(), tc.says) || wecom.ClassOf(err) != wecom.ClassContent {
				t.Errorf("error %v of class %s, want errcode %d of class content that says %q", err, wecom.ClassOf(err), int64(tc.code), tc.says)
			}
		})
	}
}

// FuzzCheckMedia proves that any bytes are judged, and that a refusal has an errcode that
// concerns the file.
func FuzzCheckMedia(f *testing.F) {
	f.Add("voice", voice(3))
	f.Add("voice", []byte("#!AMR\n\xff\xff"))
	f.Add("video", []byte("\x00\x00\x00\x18ftypmp42"))
	f.Fuzz(func(t *testing.T, kind string, content []byte) {
		err := wecom.CheckMedia(wecom.MediaType(kind), "a.bin", content)
		if err != nil && wecom.ClassOf(err) != wecom.ClassContent {
			t.Errorf("%v is of class %s, want content", err, wecom.ClassOf(err))
		}
	})
}
