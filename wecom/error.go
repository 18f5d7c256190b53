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
	Msg  string // errmsg as WeCom wrote it; may name your egress IP, never a secret
}

// Error says which call failed, the errcode with its meaning, and WeCom's words.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (%s)", e.API, e.Code.Error(), e.Words())
}

// Unwrap gives the errcode.
func (e *Error) Unwrap() error { return e.Code }

// Class is the code's class. The same 40001 means an expired token to every API but
// gettoken, where it means a wrong secret.
func (e *Error) Class() Class {
	class := e.Code.Class()
	if e.API == APIGetToken && class == ClassToken {
		return ClassConfig
	}
	return class
}

// Hint says what an operator can do, with the IP to whitelist where WeCom names it.
func (e *Error) Hint() string {
	hint := e.Code.Hint()
	if ip := e.ClientIP(); ip != "" && e.Code == CodeIPNotTrusted {
		return hint + " WeCom saw you come from " + ip + "."
	}
	return hint
}

// CodeIPNotTrusted is the errcode for a caller outside the app's trusted IPs
// (企业可信IP), the one whose errmsg carries something to act on.
const CodeIPNotTrusted Code = 60020

// ClientIP is the caller's address as WeCom saw it, "" when errmsg names none.
func (e *Error) ClientIP() string {
	_, after, found := strings.Cut(e.Msg, "from ip: ")
	if !found {
		return ""
	}
	ip, _, _ := strings.Cut(after, ",")
	return strings.TrimSpace(ip)
}

// Words is errmsg without the hint, IP and link that change from call to call;
// equal faults have equal words.
func (e *Error) Words() string {
	words, _, _ := strings.Cut(e.Msg, ", hint: ")
	words, _, _ = strings.Cut(words, ", more info at ")
	return strings.TrimSpace(words)
}

// CallError is a call that got no usable answer: no connection, a timeout, a
// broken reply, an HTTP status WeCom's API does not use.
type CallError struct {
	API    string
	Status int  // HTTP status, 0 when no reply came
	Sent   bool // the request may have reached WeCom
	Err    error
}

// Error says which call failed and why. It never contains the URL, which
// carries the access token.
func (e *CallError) Error() string { return e.API + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *CallError) Unwrap() error { return e.Err }

// Class distinguishes a call whose outcome is unknown from one that certainly had no
// effect. A failed gettoken or media/upload is of the second kind whatever happened to it:
// the message behind it was never posted.
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

// UnsentError is a call that was not made, because something on this side of WeCom, such
// as the store of the token, failed. It may be tried again.
type UnsentError struct{ Err error }

// Error gives the cause.
func (e *UnsentError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UnsentError) Unwrap() error { return e.Err }

// Class is [ClassTransient].
func (e *UnsentError) Class() Class { return ClassTransient }

// TokenHeldError is returned when gettoken has failed in a way that lasts, and then
// instead of calling it until its backoff ends: repeated wrong secrets ban the caller's
// IP for an hour (91039).
type TokenHeldError struct {
	Until time.Time // the next gettoken happens at this time at the earliest
	Err   error     // how the last gettoken failed
}

// Error gives the failure and the time of the next attempt.
func (e *TokenHeldError) Error() string {
	return fmt.Sprintf("%v; next try at %s", e.Err, e.Until.Format(time.RFC3339))
}

// Unwrap gives the failure of gettoken.
func (e *TokenHeldError) Unwrap() error { return e.Err }

// ClassOf classifies what a [Client] returned: nil is [ClassOK], any
// error that is not of this package is [ClassOther].
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

// HintOf says what an operator can do about an error of a [Client], "" when
// nothing is known.
func HintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// WithHint is the text of err, with what an operator can do about it.
func WithHint(err error) string {
	if hint := HintOf(err); hint != "" {
		return err.Error() + ". " + hint
	}
	return err.Error()
}
