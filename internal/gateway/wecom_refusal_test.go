package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestRecallUpdateAndUploadRefuse(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	sender, root := b.accessToken(recallerToken), b.accessToken(rootToken)
	const recall, update = "message/recall", "message/update_template_card"
	const unknown = "01JD5K3V8N0000000000000000"
	tests := map[string]struct {
		api, token, body string
		code             int64
		says             string
	}{
		"a recall over 64 KiB":                 {api: recall, token: sender, body: `{"msgid":"` + strings.Repeat("x", 64<<10) + `"}`, code: 40206, says: "over 65536 bytes"},
		"a recall of what no app has sent":     {api: recall, token: root, body: `{"msgid":"past-us"}`, code: 40058, says: "invalid msgid"},
		"an update over the limit of a body":   {api: update, token: sender, body: strings.Repeat(" ", message.MaxBodyBytes+1), code: 40206, says: "over 8388608 bytes"},
		"an update that is no JSON":            {api: update, token: sender, body: `{"response_code"`, code: 40058, says: "invalid json"},
		"an update that is null":               {api: update, token: sender, body: `null`, code: 40058, says: "response_code missing"},
		"a response_code that is a number":     {api: update, token: sender, body: `{"response_code":5}`, code: 40058, says: "response_code missing"},
		"the card of another app":              {api: update, token: sender, body: `{"response_code":"hr-` + unknown + `"}`, code: 301002, says: `may not use the app "hr"`},
		"a card that nobody knows":             {api: update, token: sender, body: `{"response_code":"ops-` + unknown + `"}`, code: 40058, says: "no such message"},
		"a callback's code, and no agentid":    {api: update, token: root, body: `{"response_code":"x","agentid":null}`, code: 41011, says: "agentid missing"},
		"a callback's code, and another agent": {api: update, token: sender, body: `{"response_code":"x","agentid":1000003}`, code: 301002, says: "may use: 1000002"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := b.call(tt.api, tt.token, tt.body); a.ErrCode != tt.code || !strings.Contains(a.ErrMsg, tt.says) {
				t.Errorf("%+v, want %d and %q", a, tt.code, tt.says)
			}
		})
	}
	t.Run("a file that breaks off", func(t *testing.T) {
		t.Parallel()
		a := b.wecomDo("POST", "/cgi-bin/media/upload?type=file&access_token="+sender,
			"--x\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a\"\r\n\r\nhalf of it",
			"Content-Type: multipart/form-data; boundary=x")
		same(t, "errcode", a.ErrCode, 40058)
	})
}

func TestAReloadReachesAccessTokensThatAreOut(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	onlyReads := b.settings
	onlyReads.Tokens = tokens()
	onlyReads.Tokens[1].Scopes = []config.Scope{config.ScopeRead}
	b.Reload(onlyReads)
	a := b.wecomSend(token, textBody)
	same(t, "errcode without the scope", a.ErrCode, 48002)
	if !strings.Contains(a.ErrMsg, `token "sender" lacks the scope send`) {
		t.Errorf("%+v", a)
	}
	noApps := b.settings
	noApps.Apps = nil
	b.Reload(noApps)
	same(t, "errcode without its apps", b.wecomSend(token, textBody).ErrCode, 42001)
	p := b.problem(b.do("POST", "/v1/messages", textBody, as(senderToken)))
	if p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || !strings.HasSuffix(p.Errors[0].Message, `token "sender" may use none`) {
		t.Errorf("a token whose apps are gone: %+v", p)
	}
	b.Reload(b.settings)
	same(t, "errcode when all are back", b.wecomSend(token, textBody).ErrCode, 0)
}

func TestATokenIsTooLongForAnAccessToken(t *testing.T) {
	t.Parallel()
	longest, over := strings.Repeat("t", 200), strings.Repeat("t", 201)
	b := newBundle(t, func(cfg *gateway.Config) {
		for _, secret := range []string{longest, over} {
			cfg.Settings.Tokens = append(cfg.Settings.Tokens, daemontest.Token(secret, []string{"ops"}, config.ScopeSend))
		}
	})
	same(t, "200 bytes", b.wecomSend(b.accessToken(longest), textBody).ErrCode, 0)
	a := b.wecomDo("GET", "/cgi-bin/gettoken?corpid="+wecomtest.CorpID+"&corpsecret="+over, "")
	if a.ErrCode != 40001 || a.AccessToken != "" || !strings.Contains(a.ErrMsg, "over 200 bytes") {
		t.Errorf("%+v", a)
	}
	same(t, "REST takes it", b.do("POST", "/v1/messages", textBody, as(over)).status, http.StatusAccepted)
}

// failing is a service that fails.
type failing struct{ err error }

func (f failing) Recall(context.Context, string, string) (tasks.Record, error) {
	return tasks.Record{}, f.err
}

func (f failing) Apps(context.Context) ([]gateway.AppStatus, error) { return nil, f.err }

func TestBothAPIsTellWhoseFaultAFailureIs(t *testing.T) {
	t.Parallel()
	const id = "ops-01JD5K3V8N0000000000000000"
	const internal = "secret reason"
	tests := map[string]struct {
		err        error
		status     int // of REST
		errcode    int64
		says       string
		compatible int // HTTP status of WeCom's API
	}{
		"an internal error":          {err: errors.New(internal), status: 500, errcode: -1, says: "internal error in wecomq; see its log", compatible: 500},
		"Redis away":                 {err: fmt.Errorf("%w: %s", gateway.ErrUnavailable, internal), status: 503, errcode: -1, says: "Redis did not confirm in time", compatible: 503},
		"Redis that stores nothing":  {err: fmt.Errorf("%w: %s", gateway.ErrRefused, internal), status: 503, errcode: -1, says: "Redis is not accepting writes", compatible: 503},
		"a message that is too late": {err: fmt.Errorf("%w: it is rejected", gateway.ErrConflict), status: 409, errcode: 40058, says: "it is rejected", compatible: 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Recaller, cfg.Services.Apps = failing{tt.err}, failing{tt.err} })
			for _, a := range []answer{
				b.do("POST", "/v1/messages/"+id+"/recall", "", as(recallerToken)), b.do("GET", "/v1/apps", "", as(readerToken)),
			} {
				if a.status != tt.status || !strings.Contains(a.body, tt.says) || strings.Contains(a.body, internal) {
					t.Errorf("REST: %d %s, want %d and %q", a.status, a.body, tt.status, tt.says)
				}
			}
			a := b.do("POST", "/cgi-bin/message/recall?access_token="+b.accessToken(recallerToken), `{"msgid":"`+id+`"}`)
			if a.status != tt.compatible || !strings.Contains(a.body, tt.says) || strings.Contains(a.body, internal) {
				t.Errorf("WeCom's API: %d %s, want %d and %q", a.status, a.body, tt.compatible, tt.says)
			}
			same(t, "errcode", decoded[wecomAnswer](t, a.body).ErrCode, tt.errcode)
			same(t, "asked to try again", a.header.Get("Retry-After") != "", tt.status >= 500)
			same(t, "the reason is in the log", strings.Contains(b.log.String(), internal), tt.status >= 500)
		})
	}
}

func TestWeComsAPIWithoutRecalling(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Recaller = nil })
	a := b.call("message/recall", b.accessToken(recallerToken), `{"msgid":"x"}`)
	if a.ErrCode != 48002 || !strings.Contains(a.ErrMsg, "not implemented") {
		t.Errorf("%+v", a)
	}
}

// refusingQueue refuses every message with the same error.
type refusingQueue struct{ err error }

func (q refusingQueue) Enqueue(_ context.Context, _ string, messages []tasks.Message) []tasks.Result {
	results := make([]tasks.Result, len(messages))
	for i := range results {
		results[i].Err = q.err
	}
	return results
}

func TestWhatTheQueueRefusesIsTheMessagesFault(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, location, says string }{
		"an error that names its field":  {"touser: nobody is left", "body.touser", "nobody is left"},
		"one that names a phrase":        {"the message: too old", "body.message", "the message: too old"},
		"one that names no field at all": {"too old", "body.message", "too old"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Queue = refusingQueue{errors.New(tt.text)} })
			p := b.problem(b.do("POST", "/v1/messages", textBody, as(senderToken)))
			if p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 1 {
				t.Fatalf("%+v", p)
			}
			same(t, "field", p.Errors[0].Location, tt.location)
			same(t, "message", p.Errors[0].Message, tt.says)
		})
	}
}
