package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// FuzzCredentials proves that only a token makes an access token, however it comes.
func FuzzCredentials(f *testing.F) {
	f.Add("GET", "corpid=ww1&corpsecret="+fuzzToken, "")
	f.Add("POST", "", "corpid=ww1&corpsecret="+fuzzToken)
	f.Add("POST", "", `{"corpid":"ww1","corpsecret":"`+fuzzToken+`"}`)
	f.Add("POST", "corpid=ww1&corpsecret=x", `{"corpsecret":1}`)
	f.Add("POST", "corpid=ww1", `{"corpsecret":`)
	f.Add("PUT", "%zz", "\xff")
	g := newFuzzGateway(f)
	f.Fuzz(func(t *testing.T, method, query, body string) {
		if method != http.MethodGet {
			method = http.MethodPost
		}
		r := httptest.NewRequestWithContext(t.Context(), method, "/cgi-bin/gettoken", strings.NewReader(body))
		r.URL.RawQuery = query
		w := serve(t, g, r)
		var reply tokenReply
		if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if (reply.ErrCode == 0) != (reply.AccessToken != "") {
			t.Fatalf("%s", w.Body)
		}
		if reply.ErrCode == 0 && !strings.Contains(unescaped(query+body), fuzzToken) {
			t.Errorf("%q and %q get an access token", query, body)
		}
	})
}

// unescaped is what a text says once its escapes are read, as far as the token can
// hide in them: texts with any are let through.
func unescaped(text string) string {
	if strings.ContainsAny(text, `%\`) {
		return fuzzToken
	}
	return text
}

// uploads keeps the newest file that it is given.
type uploads struct {
	WeCom

	name    string
	content []byte
}

func (u *uploads) UploadMedia(_ context.Context, kind wecom.MediaType, name string, content []byte) (*wecom.Media, error) {
	u.name, u.content = name, content
	return &wecom.Media{Type: kind, ID: "m", CreatedAt: time.Unix(1, 0)}, nil
}

// FuzzUpload proves that a file goes on as it came, or not at all.
func FuzzUpload(f *testing.F) {
	const boundary = "multipart/form-data; boundary=b"
	f.Add(boundary, "--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n")
	f.Add(boundary, "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"media\"\r\n\r\n\xff\r\n--b--\r\n")
	f.Add(boundary, "--b\r\nContent-Disposition: form-data; name=\"media\"\r\n\r\nbroken off")
	f.Add("text/plain", "x")
	f.Add("multipart/form-data", "")
	g := newFuzzGateway(f)
	sink := &uploads{}
	settings := *g.settings.Load()
	settings.Apps = []App{{Name: "ops", CorpID: "ww1", AgentID: "1000002", WeCom: sink}}
	g.Reload(settings)
	token, err := sealAccess(settings.Tokens[0], access{secret: fuzzToken, corpID: "ww1", expires: time.Now().Add(time.Hour)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		sink.name, sink.content = "", nil
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/cgi-bin/media/upload?type=file&access_token="+token, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := serve(t, g, r)
		var reply uploadReply
		if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if reply.ErrCode != 0 {
			return
		}
		if name, content := mediaOf(t, contentType, body); name != sink.name || !bytes.Equal(content, sink.content) {
			t.Errorf("%q goes on as %q %q, want %q %q", body, sink.name, sink.content, name, content)
		}
	})
}

// mediaOf is the first part named media, as the standard library reads it.
func mediaOf(t *testing.T, contentType, body string) (name string, content []byte) {
	t.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("%q is taken for a form: %v", contentType, err)
	}
	form := multipart.NewReader(strings.NewReader(body), params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			t.Fatalf("a part named media was found in %q: %v", body, err)
		}
		if part.FormName() == "media" {
			content, err := io.ReadAll(part)
			if err != nil {
				t.Fatal(err)
			}
			return part.FileName(), content
		}
	}
}
