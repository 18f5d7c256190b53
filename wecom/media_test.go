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
		"an unknown type":            {kind: "gif", filename: "a.gif", size: 10, says: `type "gif" is not one of image, voice, video, file`},
		"no bytes":                   {kind: wecom.MediaFile, filename: "a.txt", says: "the file is empty"},
		"five bytes":                 {kind: wecom.MediaFile, filename: "a.txt", size: 5, says: "5 bytes; WeCom accepts no file under 6"},
		"a voice of over 2 MB":       {kind: wecom.MediaVoice, filename: "a.amr", size: 2<<20 + 3, says: "more than WeCom's limit of 2 MB for type voice; make it shorter"},
		"a name with a backslash":    {kind: wecom.MediaFile, filename: `a\b`, size: 10, says: "file name"},
		"a name with a line break":   {kind: wecom.MediaFile, filename: "a\r\nX: y", size: 10, says: "file name"},
		"a name that is a path":      {kind: wecom.MediaFile, filename: "/etc/passwd", size: 10, says: "file name"},
		"a name with a double quote": {kind: wecom.MediaFile, filename: `a".txt`, size: 10, says: "file name"},
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
		"a PNG of 10 MB":   {kind: wecom.MediaImage, content: of(png, 10*mb)},
		"a JPG":            {kind: wecom.MediaImage, content: []byte("\xff\xd8\xff\xe0 and so on")},
		"a PNG over 10 MB": {kind: wecom.MediaImage, content: of(png, 10*mb+7), code: 40009, says: "more than WeCom's limit of 10 MB for type image; make it smaller"},
		"a GIF":            {kind: wecom.MediaImage, content: []byte("GIF89a and so on"), code: 40004, says: "not a JPG or PNG by its first bytes"},
		"a minute of AMR":  {kind: wecom.MediaVoice, content: voice(3000)},
		"more than a minute": {
			kind: wecom.MediaVoice, content: voice(3001), code: 45007,
			says: "1m0.02s long, more than WeCom's limit of 1m0s for type voice; cut it: ffmpeg -i FILE -t 60 -c copy short.amr",
		},
		"wide-band AMR": {kind: wecom.MediaVoice, content: []byte("#!AMR-WB\n\x04"), code: 301017, says: "wide-band AMR (AMR-WB); WeCom accepts only narrow-band AMR"},
		"AMR of two channels": {
			kind: wecom.MediaVoice, content: []byte("#!AMR_MC1.0\n\x04"), code: 301017,
			says: "not an AMR by its first bytes; WeCom accepts nothing else for type voice; convert it to AMR of 8 kHz, mono",
		},
		"AMR that breaks off":    {kind: wecom.MediaVoice, content: voice(2)[:50]},
		"AMR over 2 MB":          {kind: wecom.MediaVoice, content: of("#!AMR\n", 2*mb+1), code: 45001, says: "more than WeCom's limit of 2 MB for type voice"},
		"an MP3":                 {kind: wecom.MediaVoice, content: []byte("ID3 and so on"), code: 301017, says: "not an AMR"},
		"an MP4":                 {kind: wecom.MediaVideo, content: []byte(mp4)},
		"an MP4 over 10 MB":      {kind: wecom.MediaVideo, content: of(mp4, 10*mb+1), code: 40011, says: "more than WeCom's limit of 10 MB for type video"},
		"a brand of nobody":      {kind: wecom.MediaVideo, content: []byte("\x00\x00\x00\x18ftypxyz1\x00\x00\x00\x00mp42isom")},
		"an MP4 of few brands":   {kind: wecom.MediaVideo, content: []byte("\x00\x00\x00\x14ftypxyz1\x00\x00\x00\x00xyz2mp42"), code: 40004, says: "not an MP4"},
		"a box of no size":       {kind: wecom.MediaVideo, content: []byte("\x00\x00\x00\x00ftypavc1")},
		"an MP4 of no brand":     {kind: wecom.MediaVideo, content: []byte("\x00\x00\x00\x08ftyp"), code: 40004, says: "not an MP4"},
		"an AVI":                 {kind: wecom.MediaVideo, content: []byte("RIFF1234AVI "), code: 40004, says: "not an MP4"},
		"any 20 MB as a file":    {kind: wecom.MediaFile, content: make([]byte, 20*mb)},
		"more than 20 MB":        {kind: wecom.MediaFile, content: make([]byte, 20*mb+1), code: 45001, says: "more than WeCom's limit of 20 MB for type file"},
		"a picture of six bytes": {kind: wecom.MediaImage, content: []byte("\xff\xd8\xff\xe0\x00\x10")},
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

// The brands are those that ffmpeg and phones write.
func TestAVideoSaysThatItIsAnMP4(t *testing.T) {
	t.Parallel()
	for brands, taken := range map[string]bool{
		"isom isom iso2 avc1 mp41": true,
		"iso5 iso5 iso6 mp41":      true,
		"mp42 mp42 iso2 avc1 mp41": true,
		"M4V  M4V  isom iso2 avc1": true,
		"MSNV MSNV isom iso2 avc1": true,
		"XAVC XAVC mp42 iso2":      true,
		"qt   qt  ":                false,
		"qt   qt   mp42":           false,
		"M4A  M4A  isom iso2":      false,
		"3gp6 3gp6 isom iso2 avc1": false,
		"f4v  f4v  isom iso2 avc1": false,
		"heic mif1 heic":           false,
		"avif avif mif1 miaf MA1A": false,
		"avis avis msf1 iso8":      false,
	} {
		box := []byte("\x00\x00\x00\x00ftyp")
		for at := 0; at < len(brands); at += 5 {
			box = append(box, brands[at:at+4]...)
			if at == 0 {
				box = append(box, 0, 0, 2, 0) // the version
			}
		}
		box[3] = byte(len(box))
		err := wecom.CheckMedia(wecom.MediaVideo, "video.mp4", append(box, "\x00\x00\x00\x08free"...))
		if taken != (err == nil) || !taken && !strings.Contains(err.Error(), "convert it: ffmpeg -i FILE video.mp4") {
			t.Errorf("%s: %v", brands, err)
		}
	}
}

func TestLimitsInWords(t *testing.T) {
	t.Parallel()
	for kind, want := range map[wecom.MediaType]string{
		wecom.MediaImage: "JPG or PNG, at most 10 MB", wecom.MediaVoice: "AMR, at most 2 MB and 60 s",
		wecom.MediaVideo: "MP4, at most 10 MB", wecom.MediaFile: "at most 20 MB",
	} {
		if got := kind.Limits(); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

// FuzzCheckMedia proves that any bytes are judged, and that a refusal has an errcode that
// concerns the file.
func FuzzCheckMedia(f *testing.F) {
	f.Add("voice", voice(3))
	f.Add("voice", []byte("#!AMR\n\xff\xff"))
	f.Add("video", []byte("\x00\x00\x00\x18ftypmp42"))
	f.Add("video", []byte("\xff\x00\x00\x18ftypabcd\x00\x00\x00\x00mp4"))
	f.Fuzz(func(t *testing.T, kind string, content []byte) {
		err := wecom.CheckMedia(wecom.MediaType(kind), "a.bin", content)
		if err != nil && wecom.ClassOf(err) != wecom.ClassContent {
			t.Errorf("%v is of class %s, want content", err, wecom.ClassOf(err))
		}
	})
}
