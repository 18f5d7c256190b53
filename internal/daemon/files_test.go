package daemon_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const png = "\x89PNG\r\n\x1a\n and the rest"

// front is a gateway and a worker that send files.
type front struct {
	*testing.T
	*daemontest.Deployment

	url string
}

func newFront(t *testing.T) *front {
	t.Helper()
	d := daemontest.New(t, daemontest.Config{
		Rules:  wecomtest.Rules{StrictMedia: true},
		Tokens: []config.Token{daemontest.Token(token, []string{"ops"}, config.ScopeSend)},
	})
	url, _ := d.Start(daemon.Config{Gateway: true, Worker: true})
	return &front{t, d, url}
}

// post returns the status and the answer.
func (f *front) post(path, contentType, body string) (int, string) {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), http.MethodPost, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		f.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func TestAFileThatCameOverHTTPIsSent(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, _ := w.CreateFormFile("media", "报告.txt")
	_, _ = io.WriteString(part, "All green.")
	_ = w.Close()
	for _, upload := range []struct{ kind, contentType, body string }{
		{"image", "application/octet-stream", png},
		{"file", w.FormDataContentType(), form.String()},
		{"image", "image/png", png}, // again
	} {
		status, answer := f.post("/v1/media?type="+upload.kind, upload.contentType, upload.body)
		var kept struct {
			Media string `json:"media"`
			Type  string `json:"type"`
			Bytes int    `json:"bytes"`
		}
		if err := json.Unmarshal([]byte(answer), &kept); err != nil || status != http.StatusOK || kept.Type != upload.kind || kept.Bytes == 0 {
			t.Fatalf("HTTP %d %s", status, answer)
		}
		if named := strings.HasSuffix(kept.Media, "/报告.txt"); named != (upload.kind == "file") {
			t.Errorf("the media is %s", kept.Media)
		}
		status, answer = f.post("/v1/messages", "application/json",
			`{"touser":"a","msgtype":"`+upload.kind+`","`+upload.kind+`":{"media_id":"`+kept.Media+`"}}`)
		if status != http.StatusAccepted {
			t.Fatalf("HTTP %d %s", status, answer)
		}
	}
	waittest.Until(t, "three messages arrive", func() bool { return len(f.WeCom.Messages()) == 3 })
	if uploads := f.WeCom.Stats().Uploads; uploads != 2 {
		t.Errorf("%d uploads, want two for three messages", uploads)
	}
}

func TestAFileThatIsRefusedOverHTTP(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const raw = "application/octet-stream"
	for name, tc := range map[string]struct {
		path, contentType, body string
		status                  int
		says                    string
	}{
		"no picture":          {path: "/v1/media?type=image", contentType: raw, body: "GIF89a and so on", status: 422, says: "media: not a JPG or PNG"},
		"a voice by its name": {path: "/v1/media?type=voice&name=hello.mp3", contentType: raw, body: "ID3 and so on", status: 422, says: "media: hello.mp3: not an AMR"},
		"no type":             {path: "/v1/media", contentType: raw, body: png, status: 422, says: "type"},
		"a type that is none": {path: "/v1/media?type=song", contentType: raw, body: png, status: 422, says: "type"},
		"over 20 MB":          {path: "/v1/media?type=file", contentType: raw, body: strings.Repeat("x", 21<<20), status: 413, says: "more than WeCom's limit of 20 MB"},
		"no part named media": {path: "/v1/media?type=file", contentType: "multipart/form-data; boundary=b", body: "--b--\r\n", status: 400, says: "no part named media"},
		"an app of others":    {path: "/v1/media?type=image&app=hr", contentType: raw, body: png, status: 403, says: "may not use the app"},
		"a private URL": {
			path: "/v1/messages", contentType: "application/json", body: `{"touser":"a","msgtype":"image","image":{"media_id":"http://169.254.169.254/"}}`, status: 422,
			says: "image.media_id: the URL leads to an address that is not public",
		},
		"a path": {
			path: "/v1/messages", contentType: "application/json", body: `{"touser":"a","msgtype":"image","image":{"media_id":"file:/etc/passwd"}}`, status: 422,
			says: "only on the command line",
		},
		"a file that is not there": {
			path: "/v1/messages", contentType: "application/json",
			body: `{"touser":"a","msgtype":"image","image":{"media_id":"sha256:` + strings.Repeat("a", 64) + `"}}`, status: 422, says: "there is no such file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if status, answer := f.post(tc.path, tc.contentType, tc.body); status != tc.status || !strings.Contains(answer, tc.says) {
				t.Errorf("HTTP %d %s; want %d and %q", status, answer, tc.status, tc.says)
			}
		})
	}
}
