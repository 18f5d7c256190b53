package wecomtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/wecom"
)

// reply is an answer; its status is filled in last.
type reply interface {
	set(code wecom.Code, msg string)
}

// status is the part that all answers share.
type status struct {
	ErrCode wecom.Code `json:"errcode"`
	ErrMsg  string     `json:"errmsg"`
}

func (s *status) set(code wecom.Code, msg string) { s.ErrCode, s.ErrMsg = code, msg }

func refuse(code wecom.Code, format string, args ...any) error {
	return &tolerance.RefusalError{Code: code, Text: fmt.Sprintf(format, args...)}
}

// wordings are errmsg texts observed from WeCom; other codes use their meaning.
var wordings = map[wecom.Code]string{
	40001: "invalid credential",
	40008: "invalid message type",
	40013: "invalid corpid",
	40014: "invalid access_token",
	40056: "invalid agentid",
	41001: "access_token missing",
	41002: "corpid missing",
	41004: "corpsecret missing",
	42001: "access_token expired",
	45009: "api freq out of limit",
	45033: "api concurrent out of limit",
	60020: "not allow to access from your ip",
	81013: "user & party & tag all invalid",
	82001: "touser & toparty & totag all empty",
}

// codeAndText splits a check's error into errcode and errmsg.
func codeAndText(err error) (wecom.Code, string) {
	if r, ok := errors.AsType[*tolerance.RefusalError](err); ok {
		return r.Code, r.Text
	}
	code := wecom.Code(-1)
	errors.As(err, &code)
	if text, ok := wordings[code]; ok {
		return code, text
	}
	return code, code.Meaning()
}

// errmsg has the format of WeCom's (page 90313): text, hint, the caller's address and a link. The warning
// about the body's format precedes an error and follows "ok".
func (c *call) errmsg(code wecom.Code, text string, warn bool) string {
	switch {
	case code == 0 && warn:
		return "ok. Warning: wrong json format. "
	case code == 0:
		return "ok"
	case warn:
		text = "Warning: wrong json format. " + text
	}
	return fmt.Sprintf("%s, hint: [%d_%s], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d",
		text, c.sim.now().Unix(), nonce(12), c.ip, int64(code))
}

// answer writes the result of the work. API errors are HTTP 200.
func (c *call) answer(r reply, err error) {
	if r == nil {
		r = &status{}
	}
	var code wecom.Code
	text := ""
	if err != nil {
		code, text = codeAndText(err)
	}
	r.set(code, c.errmsg(code, text, c.warned()))
	c.sim.count(c.api, code)
	writeJSON(c.w, http.StatusOK, r)
}

// writeJSON writes a value with < > & unescaped, as WeCom does. Write errors are ignored: the client has
// gone.
func writeJSON(w http.ResponseWriter, code int, value any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = w.Write(body.Bytes())
}
