// Package callfailure shares a failed call of WeCom between processes, so that others need not repeat it.
package callfailure

import (
	"errors"
	"strconv"

	"github.com/wecomq/wecomq/wecom"
)

// Failure is a failed call as stored in Redis.
type Failure struct {
	Code   wecom.Code // of WeCom's answer, 0 if there was none
	Msg    string
	Status int // of HTTP, 0 if there was no answer
}

// Of reads the failure from an error.
func Of(err error) Failure {
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		return Failure{Code: refused.Code, Msg: refused.Msg}
	}
	if broken, ok := errors.AsType[*wecom.CallError](err); ok {
		return Failure{Msg: broken.Err.Error(), Status: broken.Status}
	}
	return Failure{Msg: err.Error()}
}

// Read parses code, message and status from a script's reply.
func Read(values []string) Failure {
	code, _ := strconv.ParseInt(values[0], 10, 64) // written from a Failure
	status, _ := strconv.Atoi(values[2])
	return Failure{Code: wecom.Code(code), Msg: values[1], Status: status}
}

// Err is the error that the call of this API returned.
func (f Failure) Err(api string) error {
	if f.Code != 0 {
		return &wecom.Error{API: api, Code: f.Code, Msg: f.Msg}
	}
	return &wecom.CallError{API: api, Status: f.Status, Sent: f.Status != 0, Err: errors.New(f.Msg)}
}
