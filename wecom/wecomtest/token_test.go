package wecomtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestGetTokenChecksInWeComsOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for name, tc := range map[string]struct {
		query string
		want  wecom.Code
	}{
		"nothing given":             {"", 41004},
		"secret missing":            {"corpid=nobody", 41004},
		"corpid missing":            {"corpsecret=x", 41002},
		"corpid unknown":            {"corpid=nobody&corpsecret=x", 40013},
		"secret wrong":              {"corpid=" + wecomtest.CorpID + "&corpsecret=x", 40001},
		"corpid and secret correct": {"corpid=" + wecomtest.CorpID + "&corpsecret=" + wecomtest.Secret, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.call(http.MethodGet, "/cgi-bin/gettoken?"+tc.query, "")
			b.wantCode(a, tc.want)
			if (a.AccessToken != "") != (tc.want == 0) {
				t.Errorf("access_token = %q", a.AccessToken)
			}
		})
	}
}

func TestGetTokenTakesQueryFormAndJSON(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	form := url.Values{"corpid": {wecomtest.CorpID}, "corpsecret": {wecomtest.Secret}}.Encode()
	for name, tc := range map[string]struct{ method, query, body string }{
		"GET with a query":           {http.MethodGet, "?" + form, ""},
		"POST with a query":          {http.MethodPost, "?" + form, ""},
		"POST with a form":           {http.MethodPost, "", form},
		"POST with a JSON object":    {http.MethodPost, "", `{"corpid":"` + wecomtest.CorpID + `","corpsecret":"` + wecomtest.Secret + `"}`},
		"POST with parts of each":    {http.MethodPost, "?corpid=" + wecomtest.CorpID, "corpsecret=" + wecomtest.Secret},
		"POST with a query and junk": {http.MethodPost, "?" + form, `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := b.call(tc.method, "/cgi-bin/gettoken"+tc.query, tc.body); a.AccessToken != b.token {
				t.Errorf("answer %d %q", a.ErrCode, a.ErrMsg)
			}
		})
	}
}

func TestRepeatedGetTokenReturnsTheLivingToken(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{TokenTTL: wecomtest.Duration(10 * time.Second)})
	path := "/cgi-bin/gettoken?corpid=" + wecomtest.CorpID + "&corpsecret=" + wecomtest.Secret
	b.clock.Advance(4 * time.Second)
	a := b.call(http.MethodGet, path, "")
	if a.AccessToken != b.token || a.ExpiresIn != 6 {
		t.Errorf("same token: %v, expires_in %d, want true, 6", a.AccessToken == b.token, a.ExpiresIn)
	}
	b.clock.Advance(6 * time.Second)
	b.wantCode(b.send(text("a", "x")), 42001)
	a = b.call(http.MethodGet, path, "")
	if a.AccessToken == b.token || a.ExpiresIn != 10 {
		t.Errorf("same token: %v, expires_in %d, want false, 10", a.AccessToken == b.token, a.ExpiresIn)
	}
	if len(a.AccessToken) > 512 || url.QueryEscape(a.AccessToken) != a.AccessToken {
		t.Errorf("access_token %q is longer than 512 bytes or not url-safe", a.AccessToken)
	}
	if got := b.Stats().TokensIssued; got != 2 {
		t.Errorf("%d tokens issued, want 2", got)
	}
}

func TestTokensAreLookedForInTheQueryOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/send", text("a", "x")), 41001)
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/send", `{"access_token":"`+b.token+`"}`), 41001)
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/send?access_token=", text("a", "x")), 41001)
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/send?access_token=nope", text("a", "x")), 40014)
	b.wantCode(b.send(text("a", "x")), 0)
}

func TestTokensAreBoundToTheirApp(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Apps: []wecomtest.App{
		{CorpID: "ww1", AgentID: 1000002, Secret: "a"},
		{CorpID: "ww1", AgentID: 1000003, Secret: "b"},
	}})
	other := b.login("ww1", "b")
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/send?access_token="+other, text("a", "x")), 301002)
	b.wantCode(b.send(text("a", "x")), 0)

	if err := b.SetRules(wecomtest.Rules{Apps: []wecomtest.App{{CorpID: "ww1", AgentID: 1000003, Secret: "b"}}}); err != nil {
		t.Fatal(err)
	}
	b.wantCode(b.send(text("a", "x")), 40014) // its app is gone
}

func TestTokensDieOnCommandAndByUse(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{TokenUses: 2})
	b.wantCode(b.send(text("a", "x")), 0)
	b.wantCode(b.send(text("a", "x")), 0)
	b.wantCode(b.send(text("a", "x")), 42001)
	used := b.token
	b.token = b.login(wecomtest.CorpID, wecomtest.Secret)
	if b.token == used {
		t.Error("gettoken returned the used-up token")
	}
	b.ExpireTokens()
	b.wantCode(b.send(text("a", "x")), 42001)
	b.token = b.login(wecomtest.CorpID, wecomtest.Secret)
	b.wantCode(b.send(text("a", "x")), 0)
}

func TestWrongSecretsBanTheCallerForAnHour(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{WrongSecrets: 3})
	path := "/cgi-bin/gettoken?corpid=" + wecomtest.CorpID + "&corpsecret="
	b.wantCode(b.call(http.MethodGet, path+"bad", ""), 40001)
	b.clock.Advance(time.Hour) // the first no longer counts
	b.wantCode(b.call(http.MethodGet, path+"bad", ""), 40001)
	b.wantCode(b.call(http.MethodGet, path+"bad", ""), 40001)
	b.wantCode(b.call(http.MethodGet, path+wecomtest.Secret, ""), 0)
	b.wantCode(b.call(http.MethodGet, path+"bad", ""), 40001)
	a := b.call(http.MethodGet, path+wecomtest.Secret, "")
	b.wantCode(a, 45009)
	if !strings.HasPrefix(a.ErrMsg, "api freq out of limit, hint: [") {
		t.Errorf("errmsg = %q", a.ErrMsg)
	}
	b.clock.Advance(time.Hour - time.Nanosecond)
	b.wantCode(b.call(http.MethodGet, path+wecomtest.Secret, ""), 45009)
	b.clock.Advance(time.Nanosecond)
	b.wantCode(b.call(http.MethodGet, path+wecomtest.Secret, ""), 0)
}
