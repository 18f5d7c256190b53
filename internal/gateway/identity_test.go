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
		method, path, body, authorization string
		status                            int
		detail                            string
	}{
		"no token":                       {"POST", "/v1/messages", textBody, "", 401, "Authorization: Bearer"},
		"a wrong token":                  {"POST", "/v1/messages", textBody, "Bearer nonsense", 401, "no such token"},
		"an empty token":                 {"POST", "/v1/messages", textBody, "Bearer ", 401, "Authorization: Bearer"},
		"another scheme":                 {"POST", "/v1/messages", textBody, "Basic " + senderToken, 401, "Authorization: Bearer"},
		"the scheme in any case":         {"POST", "/v1/messages", textBody, "bEARER " + senderToken, 202, ""},
		"without the scope to send":      {"POST", "/v1/messages", textBody, "Bearer " + readerToken, 403, `lacks the scope "send"; it has read`},
		"without the scope to read":      {"GET", "/v1/messages/ops-01JD5K3V8N0000000000000000", "", "Bearer " + senderToken, 403, `lacks the scope "read"`},
		"another app":                    {"POST", "/v1/messages", strings.Replace(textBody, "{", `{"app":"hr",`, 1), "Bearer " + senderToken, 403, `may not use the app "hr", only ops`},
		"an app that does not exist":     {"POST", "/v1/messages", strings.Replace(textBody, "{", `{"app":"nope",`, 1), "Bearer " + rootToken, 403, "only hr, ops, else"},
		"a message of another app":       {"GET", "/v1/messages/hr-01JD5K3V8N0000000000000000", "", "Bearer " + readerToken, 403, `may not use the app "hr"`},
		"the app of several":             {"POST", "/v1/messages", opsText, "Bearer " + rootToken, 202, ""},
		"no app where there are several": {"POST", "/v1/messages", textBody, "Bearer " + rootToken, 422, "token \"root\" may use hr, ops, else"},
		"a batch without a token":        {"POST", "/v1/messages:batch", textBody, "", 401, "Bearer"},
		"broadcasts without a token":     {"POST", "/v1/broadcasts", "{}", "", 401, "Bearer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do(tt.method, tt.path, tt.body, "Authorization: "+tt.authorization)
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
