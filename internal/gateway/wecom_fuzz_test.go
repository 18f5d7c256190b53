package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// FuzzCredentials proves that only a token yields an access token, however it is sent.
func FuzzCredentials(f *testing.F) {
	f.Add("GET", "corpid=ww1&corpsecret="+fuzzToken, "")
	f.Add("POST", "", "corpid=ww1&corpsecret="+fuzzToken)
	f.Add("POST", "", `{"corpid":"ww1","corpsecret":"`+fuzzToken+`"}`)
	f.Add("POST", "corpid=ww1&corpsecret=x", `{"corpsecret":1}`)
	f.Add("POST", "corpid=ww1", `{"corpsecret":`)
	f.Add("PUT", "%zz", "\xff")
	g := newFuzzGateway(f)
	var from atomic.Uint32
	f.Fuzz(func(t *testing.T, method, query, body string) {
		if method != http.MethodGet {
			method = http.MethodPost
		}
		r := httptest.NewRequestWithContext(t.Context(), method, "/cgi-bin/gettoken", strings.NewReader(body))
		r.URL.RawQuery = query
		// An address with earlier guesses would have to wait.
		n := from.Add(1)
		r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 1).String()
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

// unescaped returns a text with its escapes decoded, as far as the token can be hidden by them: texts with any
// are let through.
func unescaped(text string) string {
	if strings.ContainsAny(text, `%\`) {
		return fuzzToken
	}
	return text
}

// uploads keeps the newest uploaded file.
type uploads struct {
	WeCom

	name    string
	content []byte
}

func (u *uploads) UploadMedia(_ context.Context, kind wecom.MediaType, name string, content []byte) (*wecom.Media, error) {
	u.name, u.content = name, content
	return &wecom.Media{Type: kind, ID: "m", CreatedAt: time.Unix(1, 0)}, nil
}

// FuzzUpload proves that a file is passed on unchanged, or not at all.
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

// FuzzIngressAgreesWithTheSimulator proves that the ingress answers a message as our model of WeCom does. Its
// seeds are all samples with each value replaced.
func FuzzIngressAgreesWithTheSimulator(f *testing.F) {
	for _, sample := range samples.Messages() {
		for body := range mutations(strings.Replace(sample, "{", `{"agentid":1000002,`, 1)) {
			f.Add(body)
		}
	}
	both := newBoth(f)
	f.Fuzz(func(t *testing.T, body string) {
		here, there := both.send(t, body)
		if here.ErrCode != there.ErrCode && !mayDiffer(body, here.ErrCode, there.ErrCode) {
			t.Errorf("%s\nis answered %d %s, by the simulator %d %s", body, here.ErrCode, here.ErrMsg, there.ErrCode, there.ErrMsg)
		}
		if here.ErrCode == 0 && there.ErrCode == 0 && warnsOfJSON(here) != warnsOfJSON(there) {
			t.Errorf("%s\nis taken with %q, by the simulator with %q", body, here.ErrMsg, there.ErrMsg)
		}
	})
}

func warnsOfJSON(a answered) bool { return strings.Contains(a.ErrMsg, "wrong json format") }

// mayDiffer reports intended differences of the ingress: it knows the agent of a token's only app, splits
// messages to too many recipients, cuts markdown, and passes on types and members of the future.
func mayDiffer(body string, here, there wecom.Code) bool {
	switch int64(there) {
	case 41011, 40032, 82002, 82003, 40008:
		return here == 0 || there == 41011
	case 40058:
		return strings.Contains(body, "markdown") && len(body) > message.MaxMarkdownBytes
	}
	return false
}

// both are an ingress and a simulator of the same app.
type both struct {
	g           *Gateway
	sim         *wecomtest.Simulator
	ours, wecom string // access tokens
}

func newBoth(tb testing.TB) *both {
	tb.Helper()
	const secret = "simulator-secret"
	sim, err := wecomtest.New(wecomtest.Rules{
		Apps:           []wecomtest.App{{CorpID: "ww1", AgentID: 1000002, Secret: secret}},
		CallsPerMinute: 1 << 30, MemberPerMinute: 1 << 20, MemberPerHour: 1 << 20, Keep: 10,
	})
	if err != nil {
		tb.Fatal(err)
	}
	b := &both{g: newFuzzGateway(tb), sim: sim}
	b.ours = tokenOf(tb, b.g, "corpid=ww1&corpsecret="+fuzzToken)
	b.wecom = tokenOf(tb, b.sim, "corpid=ww1&corpsecret="+secret)
	return b
}

func tokenOf(tb testing.TB, h http.Handler, query string) string {
	tb.Helper()
	return call(tb, h, "/cgi-bin/gettoken?"+query, "").AccessToken
}

// answered is the part of a response that WeCom's clients read.
type answered struct {
	wecomStatus

	AccessToken string `json:"access_token"`
}

func call(tb testing.TB, h http.Handler, path, body string) answered {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodPost, path, strings.NewReader(body)))
	var a answered
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		tb.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return a
}

// send posts a body to both.
func (b *both) send(tb testing.TB, body string) (here, there answered) {
	tb.Helper()
	return call(tb, b.g, "/cgi-bin/message/send?access_token="+b.ours, body),
		call(tb, b.sim, "/cgi-bin/message/send?access_token="+b.wecom, body)
}

// mutations yields a body with each of its values replaced, or left out, one at a time.
func mutations(body string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var whole any
		if err := json.Unmarshal([]byte(body), &whole); err != nil || !yield(body) {
			return
		}
		for _, with := range []any{nil, 7, " 7 ", 1.5, true, "", "x y", []any{}, map[string]any{}, strings.Repeat("长", 2100)} {
			for i := range count(whole) {
				n := i
				changed, err := json.Marshal(replaced(whole, &n, with))
				if err != nil || !yield(string(changed)) {
					return
				}
			}
		}
	}
}

// count counts the values inside a value.
func count(value any) int {
	n := 0
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			n += 1 + count(inner)
		}
	case []any:
		for _, inner := range v {
			n += 1 + count(inner)
		}
	}
	return n
}

// replaced is a copy with another value in the nth place.
func replaced(value any, n *int, with any) any {
	swap := func(inner any) any {
		if *n--; *n == -1 {
			return with
		}
		return replaced(inner, n, with)
	}
	switch v := value.(type) {
	case map[string]any:
		changed := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			changed[name] = swap(v[name])
		}
		return changed
	case []any:
		changed := make([]any, len(v))
		for i := range v {
			changed[i] = swap(v[i])
		}
		return changed
	}
	return value
}
