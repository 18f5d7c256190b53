// Package callfailure is how processes tell each other that a call to WeCom has failed, so
// that the others need not find out, too.
package callfailure

import (
	"errors"
	"strconv"

	"github.com/wecomq/wecomq/wecom"
)

// Failure is what Redis keeps of a failed call.
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

// Read takes code, message and status as a script replies them.
func Read(values []string) Failure {
	code, _ := strconv.ParseInt(values[0], 10, 64) // written from a Failure
	status, _ := strconv.Atoi(values[2])
	return Failure{Code: wecom.Code(code), Msg: values[1], Status: status}
}

// Err is the error that the process got which made the call of this API.
func (f Failure) Err(api string) error {
	if f.Code != 0 {
		return &wecom.Error{API: api, Code: f.Code, Msg: f.Msg}
	}
	return &wecom.CallError{API: api, Status: f.Status, Sent: f.Status != 0, Err: errors.New(f.Msg)}
}
