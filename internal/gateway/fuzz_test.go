package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	fuzzToken  = "fuzz-token-0123456789abcdef"
	otherToken = "other-token-0123456789abcdef"
)

// memory is a queue that accepts the same messages as a producer.
type memory struct{}

func (m memory) Enqueue(_ context.Context, app string, messages []tasks.Message) []tasks.Result {
	results := make([]tasks.Result, len(messages))
	for i, message := range messages {
		results[i] = m.take(app, message)
	}
	return results
}

func (memory) take(app string, given tasks.Message) tasks.Result {
	if given.Options.IdempotencyKey != "" && envelope.ValidateKey(given.Options.IdempotencyKey) != nil {
		panic("an idempotency key came through: " + given.Options.IdempotencyKey)
	}
	if given.Options.Priority != "" && given.Options.Priority.Validate() != nil {
		panic("a priority came through: " + given.Options.Priority)
	}
	if err := message.ValidateContent(given.Request); err != nil {
		return tasks.Result{Err: err}
	}
	return tasks.Result{Receipt: tasks.Receipt{ID: tasks.NewID(app), State: tasks.Queued}}
}

func (memory) Record(context.Context, string, string) (tasks.Record, error) {
	return tasks.Record{}, ErrNotFound
}

// Recall implements [Recaller]: there is no message.
func (memory) Recall(context.Context, string, string) (tasks.Record, error) {
	return tasks.Record{}, ErrNotFound
}

// jsonOnly is a WeCom that accepts any JSON.
type jsonOnly struct{}

func (jsonOnly) Post(_ context.Context, _ string, body []byte, _ any) error {
	if !json.Valid(body) {
		panic("no JSON came through: " + string(body))
	}
	return nil
}

func (jsonOnly) UploadMedia(context.Context, wecom.MediaType, string, []byte) (*wecom.Media, error) {
	return &wecom.Media{}, nil
}

func newFuzzGateway(tb testing.TB) *Gateway {
	tb.Helper()
	g, err := New(Config{
		Services: Services{Queue: memory{}, Records: memory{}, Recaller: memory{}},
		Settings: Settings{
			Apps: []App{{Name: "ops", CorpID: "ww1", AgentID: "1000002", WeCom: jsonOnly{}}},
			Tokens: []config.Token{
				{Name: "fuzz", SHA256: sha256.Sum256([]byte(fuzzToken)), Apps: []string{"ops"}, Scopes: []config.Scope{config.ScopeSend, config.ScopeRead, config.ScopeRecall}},
				{Name: "other", SHA256: sha256.Sum256([]byte(otherToken)), Apps: []string{"ops"}, Scopes: []config.Scope{config.ScopeSend}},
			},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func serve(tb testing.TB, g *Gateway, r *http.Request) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func seeds(f *testing.F) {
	f.Helper()
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"a":`, "\xff", `{"touser":"a","msgtype":"text","text":{"content":"x"}}`,
		`{"app":"ops","priority":"bulk","process_at":"2026-01-02T15:04:05Z","expires_in":"1h","idempotency_key":"k","touser":"a","msgtype":"text","text":{"content":"x"}}`,
		`{"text":{"content":""},"touser":"a|张三","toparty":"x","agentid":"1000002","safe":"0","msgtype":"markdown","markdown":{"content":"` + strings.Repeat("汉", 1000) + `"}}`,
		`{"touser":"@all","msgtype":"news","news":{"articles":[{"title":"` + strings.Repeat("🔥", 50) + `","url":"http://x"}]}}`,
		`{"response_code":"ops-01JD5K3V8N0000000000000000","agentid":null,"userids":["a"]}`, `{"msgid":"x"}`, `{"msgid":1}`,
	} {
		f.Add(body)
	}
}

// FuzzSend proves that any input is accepted or answered with a problem.
func FuzzSend(f *testing.F) {
	seeds(f)
	g := newFuzzGateway(f)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/messages", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+fuzzToken)
		w := serve(t, g, r)
		switch w.Code {
		case http.StatusAccepted, http.StatusBadRequest, http.StatusForbidden, http.StatusUnprocessableEntity:
		default:
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("no JSON: %s", w.Body)
		}
	})
}

// FuzzWeCom proves that WeCom's clients always get a response that they can read.
func FuzzWeCom(f *testing.F) {
	seeds(f)
	g := newFuzzGateway(f)
	token, err := sealAccess(g.settings.Load().Tokens[0], access{secret: fuzzToken, corpID: "ww1", expires: time.Now().Add(time.Hour)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, api := range []string{"message/send", "message/recall", "message/update_template_card", "gettoken"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/cgi-bin/"+api+"?access_token="+token, strings.NewReader(body))
			w := serve(t, g, r)
			var answer struct {
				ErrCode *int64 `json:"errcode"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.ErrCode == nil || w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", api, w.Code, w.Body)
			}
		}
	})
}

// FuzzCost proves that no body takes much more memory than its size, nor much time, at any door.
func FuzzCost(f *testing.F) {
	for _, parts := range hostile {
		f.Add(parts[0], parts[1], parts[2], uint16(1000))
	}
	g := newFuzzGateway(f)
	g.services.Cards = cards{}
	f.Fuzz(func(t *testing.T, head, unit, tail string, times uint16) {
		body := head + strings.Repeat(unit, min(int(times), 1<<18/max(1, len(unit)))) + tail
		for _, path := range doors {
			if strings.Count(body, "\n") > 100 && strings.HasSuffix(path, ":batch") {
				continue // a batch answers each line while it reads the next
			}
			if cost := spend(t, g, path, body); cost.Bytes > mayTake(body) || cost.CPU > time.Second {
				t.Errorf("%s: %d bytes take %d and %s, and may take %d", path, len(body), cost.Bytes, cost.CPU, mayTake(body))
			}
		}
	})
}

// FuzzBatch proves that each line is answered once, in order.
func FuzzBatch(f *testing.F) {
	f.Add("")
	f.Add("\n\r\n")
	f.Add("{}\nx\n\n" + `{"touser":"a","msgtype":"text","text":{"content":"x"}}`)
	g := newFuzzGateway(f)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/messages:batch", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+fuzzToken)
		w := serve(t, g, r)
		var want []int
		for i, text := range strings.Split(strings.TrimPrefix(body, "\ufeff"), "\n") {
			if len(bytes.TrimSpace([]byte(text))) > 0 {
				want = append(want, i+1)
			}
		}
		if len(want) == 0 {
			if w.Code != http.StatusBadRequest {
				t.Fatalf("HTTP %d for a batch without lines", w.Code)
			}
			return
		}
		var got []int
		for dec := json.NewDecoder(w.Body); dec.More(); {
			var line struct {
				Line int `json:"line"`
			}
			if err := dec.Decode(&line); err != nil {
				t.Fatal(err)
			}
			got = append(got, line.Line)
		}
		if w.Code != http.StatusOK || len(got) != len(want) {
			t.Fatalf("%d: lines %v, want %v", w.Code, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("lines %v, want %v", got, want)
			}
		}
	})
}

// FuzzOpenAccess proves that only somebody who knows a token can make an access token.
func FuzzOpenAccess(f *testing.F) {
	g := newFuzzGateway(f)
	token := g.settings.Load().Tokens[0]
	good, err := sealAccess(token, access{secret: fuzzToken, expires: time.Now().Add(time.Hour)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := g.openAccess(text); err == nil && a.secret != fuzzToken {
			t.Errorf("%q opens as %+v", text, a)
		}
	})
}

// FuzzShorten proves that shortened messages are accepted like others.
func FuzzShorten(f *testing.F) {
	f.Add(strings.Repeat("汉🔥a", 400))
	f.Add("short")
	f.Fuzz(func(t *testing.T, content string) {
		content = strings.ToValidUTF8(content, "")
		quoted, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		body, err := tolerance.Parse([]byte(`{"msgtype":"text","text":{"content":` + string(quoted) + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		cut, text := shorten(body), body.Obj("text")
		if len(text.Str("content")) > message.MaxTextBytes || content != "" && text.Str("content") == "" {
			t.Errorf("%d bytes became %q", len(content), text.Str("content"))
		}
		if (len(cut) > 0) != (len(content) > message.MaxTextBytes) {
			t.Errorf("%d bytes, cut: %v", len(content), cut)
		}
	})
}
