package wecom

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is an answer from WeCom with an errcode other than 0. It unwraps to its
// [Code], so errors.Is(err, wecom.Code(81013)) works.
type Error struct {
	API  string // the path below /cgi-bin/, e.g. "message/send"
	Code Code
	Msg  string // errmsg as returned; may contain your egress IP, never a secret
}

// Error has the API that failed, the errcode with its meaning, and WeCom's words.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (%s)", e.API, e.Code.Error(), e.Words())
}

// Unwrap returns the errcode.
func (e *Error) Unwrap() error { return e.Code }

// Class is the code's class. From every API but gettoken, 40001 means an expired token; from gettoken, a
// wrong secret.
func (e *Error) Class() Class {
	class := e.Code.Class()
	if e.API == APIGetToken && class == ClassToken {
		return ClassConfig
	}
	return class
}

// Hint tells an operator what to do, with the IP to trust if WeCom names it.
func (e *Error) Hint() string {
	hint := e.Code.Hint()
	if ip := e.ClientIP(); ip != "" && e.Code == CodeIPNotTrusted {
		return hint + " WeCom saw your IP as " + ip + "."
	}
	return hint
}

// CodeIPNotTrusted is the errcode for a caller outside the app's trusted IPs (企业可信IP). Its errmsg has the IP
// to add.
const CodeIPNotTrusted Code = 60020

// ClientIP is the caller's address as seen by WeCom, "" if errmsg does not have it.
func (e *Error) ClientIP() string {
	_, after, found := strings.Cut(e.Msg, "from ip: ")
	if !found {
		return ""
	}
	ip, _, _ := strings.Cut(after, ",")
	return strings.TrimSpace(ip)
}

// Words is errmsg without the hint, IP and link, which change from call to call: equal faults have equal
// words.
func (e *Error) Words() string {
	words, _, _ := strings.Cut(e.Msg, ", hint: ")
	words, _, _ = strings.Cut(words, ", more info at ")
	return strings.TrimSpace(words)
}

// CallError is a call without a usable answer: no connection, a timeout, a broken reply, or an HTTP status
// that WeCom's API does not use.
type CallError struct {
	API    string
	Status int  // HTTP status, 0 without a reply
	Sent   bool // the request may have reached WeCom
	Err    error
}

// Error has the API that failed and the cause. It never contains the URL, which has the access token.
func (e *CallError) Error() string { return e.API + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *CallError) Unwrap() error { return e.Err }

// Class distinguishes a call whose outcome is unknown from one that certainly had no effect. A failed
// gettoken or media/upload always has none: the message that needed it was never posted.
func (e *CallError) Class() Class {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return ClassRate
	case e.Status >= 300 && e.Status < 500 && e.Status != http.StatusRequestTimeout:
		return ClassConfig
	case e.Sent && e.API != APIGetToken && e.API != APIMediaUpload:
		return ClassUnknownOutcome
	default:
		return ClassUnreachable
	}
}

// UnsentError is a call that was not made because of a local problem, such as an unavailable token store. It
// may be retried.
type UnsentError struct{ Err error }

// Error is the cause's text.
func (e *UnsentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnsentError) Unwrap() error { return e.Err }

// Class is [ClassTransient].
func (e *UnsentError) Class() Class { return ClassTransient }

// TokenHeldError is returned when gettoken fails with a lasting error, and from then on instead of calling it
// until the backoff ends: repeated wrong secrets ban the caller's IP for an hour (91039).
type TokenHeldError struct {
	Until time.Time // no gettoken before this time
	Err   error     // error of the last gettoken
}

// Error has the failure and the time of the next attempt.
func (e *TokenHeldError) Error() string {
	return fmt.Sprintf("%v; next try at %s", e.Err, e.Until.Format(time.RFC3339))
}

// Unwrap returns the error of gettoken.
func (e *TokenHeldError) Unwrap() error { return e.Err }

// ClassOf classifies an error of a [Client]: nil is [ClassOK], and any error from elsewhere is [ClassOther].
func ClassOf(err error) Class {
	if err == nil {
		return ClassOK
	}
	var classified interface{ Class() Class }
	if errors.As(err, &classified) {
		return classified.Class()
	}
	return ClassOther
}

// HintOf tells an operator what to do about an error of a [Client]; "" if there is no hint.
func HintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// WithHint is the text of err followed by its hint.
func WithHint(err error) string {
	if hint := HintOf(err); hint != "" {
		return err.Error() + ". " + hint
	}
	return err.Error()
}
