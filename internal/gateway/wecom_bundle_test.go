package gateway_test

import (
	"net/http"
	"net/url"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// wecomAnswer is the part of a response that WeCom's clients read.
type wecomAnswer struct {
	ErrCode      int64  `json:"errcode"`
	ErrMsg       string `json:"errmsg"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	MsgID        string `json:"msgid"`
	ResponseCode string `json:"response_code"`
	InvalidUser  any    `json:"invaliduser"`
	InvalidParty string `json:"invalidparty"`
	InvalidTag   string `json:"invalidtag"`
	Type         string `json:"type"`
	MediaID      string `json:"media_id"`
	CreatedAt    string `json:"created_at"`
}

// wecomDo makes a call that must be answered 200.
func (b *bundle) wecomDo(method, path, body string, headers ...string) wecomAnswer {
	b.Helper()
	a := b.do(method, path, body, headers...)
	if a.status != http.StatusOK {
		b.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return decoded[wecomAnswer](b.T, a.body)
}

// accessToken is the result of gettoken for a token.
func (b *bundle) accessToken(secret string) string {
	b.Helper()
	a := b.wecomDo("GET", "/cgi-bin/gettoken?"+url.Values{"corpid": {wecomtest.CorpID}, "corpsecret": {secret}}.Encode(), "")
	if a.ErrCode != 0 {
		b.Fatalf("gettoken: %+v", a)
	}
	return a.AccessToken
}

// call makes a call with an access token.
func (b *bundle) call(api, accessToken, body string, headers ...string) wecomAnswer {
	b.Helper()
	return b.wecomDo("POST", "/cgi-bin/"+api+"?access_token="+url.QueryEscape(accessToken), body, headers...)
}

func (b *bundle) wecomSend(accessToken, body string) wecomAnswer {
	b.Helper()
	return b.call("message/send", accessToken, body)
}
