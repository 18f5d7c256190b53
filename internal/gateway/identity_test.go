package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/gateway"
)

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	opsText := strings.Replace(textBody, "{", `{"app":"ops",`, 1)
	tests := map[string]struct {
		method, path, body, auth string
		status                   int
		detail                   string
	}{
		"no token":                  {method: "POST", path: "/v1/messages", body: textBody, status: 401, detail: "Authorization: Bearer"},
		"a wrong token":             {method: "POST", path: "/v1/messages", body: textBody, auth: "Bearer nonsense", status: 401, detail: "no such token"},
		"an empty token":            {method: "POST", path: "/v1/messages", body: textBody, auth: "Bearer ", status: 401, detail: "Authorization: Bearer"},
		"another scheme":            {method: "POST", path: "/v1/messages", body: textBody, auth: "Basic " + senderToken, status: 401, detail: "Authorization: Bearer"},
		"the scheme in any case":    {method: "POST", path: "/v1/messages", body: textBody, auth: "bEARER " + senderToken, status: 202},
		"without the scope to send": {method: "POST", path: "/v1/messages", body: textBody, auth: "Bearer " + readerToken, status: 403, detail: `lacks the scope "send"; it has read`},
		"without the scope to read": {method: "GET", path: "/v1/messages/ops-01JD5K3V8N0000000000000000", auth: "Bearer " + senderToken, status: 403, detail: `lacks the scope "read"`},
		"another app": {
			method: "POST", path: "/v1/messages",
			body: strings.Replace(textBody, "{", `{"app":"hr",`, 1), auth: "Bearer " + senderToken, status: 403, detail: `may not use the app "hr", only ops`,
		},
		"an app that does not exist": {
			method: "POST", path: "/v1/messages",
			body: strings.Replace(textBody, "{", `{"app":"nope",`, 1), auth: "Bearer " + rootToken, status: 403, detail: "only hr, ops, else",
		},
		"a message of another app":       {method: "GET", path: "/v1/messages/hr-01JD5K3V8N0000000000000000", auth: "Bearer " + readerToken, status: 403, detail: `may not use the app "hr"`},
		"the app of several":             {method: "POST", path: "/v1/messages", body: opsText, auth: "Bearer " + rootToken, status: 202},
		"no app where there are several": {method: "POST", path: "/v1/messages", body: textBody, auth: "Bearer " + rootToken, status: 422, detail: "token \"root\" may use hr, ops, else"},
		"a batch without a token":        {method: "POST", path: "/v1/messages:batch", body: textBody, status: 401, detail: "Bearer"},
		"broadcasts without a token":     {method: "POST", path: "/v1/broadcasts", body: "{}", status: 401, detail: "Bearer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do(tt.method, tt.path, tt.body, "Authorization: "+tt.auth)
			if a.status != tt.status || !strings.Contains(a.body, strings.ReplaceAll(tt.detail, `"`, `\"`)) {
				t.Errorf("%d %s, want %d and %q", a.status, a.body, tt.status, tt.detail)
			}
			if (a.status == http.StatusUnauthorized) != (a.header.Get("Www-Authenticate") != "") {
				t.Errorf("WWW-Authenticate %q beside %d", a.header.Get("Www-Authenticate"), a.status)
			}
		})
	}
}

func TestWithoutTokensNothingIsOpen(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(cfg *gateway.Config) { cfg.Settings.Tokens = nil })
	for _, token := range []string{"", "x"} {
		p := b.problem(b.do(http.MethodPost, "/v1/messages", textBody, as(token)))
		if p.Status != http.StatusUnauthorized || strings.Contains(p.Detail, "openssl") {
			t.Errorf("%+v", p)
		}
	}
	if log := b.log.String(); !strings.Contains(log, "the configuration has none; make one with TOKEN=$(openssl") {
		t.Errorf("the log does not say how to make a token: %s", log)
	}
}

func TestReloadSwapsTokensAndApps(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	accessToken := b.accessToken(senderToken)
	next := b.settings
	next.Tokens = next.Tokens[:1]
	b.Reload(next)
	same(t, "a token that is gone", b.do("POST", "/v1/messages", textBody, as(senderToken)).status, 401)
	same(t, "one that stays", b.do("GET", "/v1/messages/ops-01JD5K3V8N0000000000000000", "", as(rootToken)).status, 404)
	same(t, "the access token of one that is gone", b.wecomSend(accessToken, textBody).ErrCode, 42001)
	next.Apps = next.Apps[:1]
	b.Reload(next)
	same(t, "an app that is gone", b.do("GET", "/v1/messages/ops-01JD5K3V8N0000000000000000", "", as(rootToken)).status, 403)
}

func TestATokenEnds(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	settings := b.settings
	settings.Tokens = tokens()
	for i := range settings.Tokens {
		settings.Tokens[i].Expires = b.now.time().Add(time.Hour)
	}
	b.Reload(settings)
	access := b.accessToken(senderToken)
	same(t, "before its end", b.do("POST", "/v1/messages", textBody, as(senderToken)).status, http.StatusAccepted)
	b.now.advance(time.Hour)
	p := b.problem(b.do("POST", "/v1/messages", textBody, as(senderToken)))
	if p.Status != http.StatusUnauthorized || !strings.Contains(p.Detail, `the token has expired: it was "sender", until `) {
		t.Errorf("at its end: %+v", p)
	}
	same(t, "an access token that it got", b.wecomSend(access, textBody).ErrCode, 42001)
	again := b.wecomDo("GET", "/cgi-bin/gettoken?corpid=x&corpsecret="+senderToken, "")
	if again.ErrCode != 40001 || !strings.Contains(again.ErrMsg, "has expired") {
		t.Errorf("another access token: %+v", again)
	}
}
