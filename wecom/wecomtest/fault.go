package wecomtest

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/wecom"
)

var (
	faultAPIs = []string{"*", apiToken, apiSend, apiRecall, apiUpdate, apiUpload, apiAgent}
	bodiless  = []string{apiToken, apiUpload, apiAgent} // no JSON body for a Match
)

// Fault makes selected calls fail. It needs a Delay or exactly one of ErrCode, HTTPStatus, Hang and Reset; a
// Delay can be combined with any of them.
type Fault struct {
	// API is the path under /cgi-bin/, such as "message/send", or "*".
	API string `json:"api"`
	// Match narrows the fault to calls with a certain body.
	Match *Match `json:"match,omitempty"`
	// Skip lets the first calls pass; then every Every-th call is hit, Times times. 0 means: skip none, hit
	// each, without end.
	Skip  int `json:"skip,omitempty"`
	Every int `json:"every,omitempty"`
	Times int `json:"times,omitempty"`

	// ErrCode is the errcode of the answer, with ErrMsg verbatim or WeCom's usual text.
	ErrCode wecom.Code `json:"errcode,omitempty"`
	ErrMsg  string     `json:"errmsg,omitempty"`
	// HTTPStatus is the status of the answer, with Body.
	HTTPStatus int    `json:"http_status,omitempty"`
	Body       string `json:"body,omitempty"`
	// Delay delays the answer, and ends early when the faults are removed. On its own it only delays the
	// call.
	Delay Duration `json:"delay,omitempty"`
	// Hang sends no answer: the call ends when the client gives up.
	Hang bool `json:"hang,omitempty"`
	// Reset closes the connection without an answer.
	Reset bool `json:"reset,omitempty"`
	// After does the real work first, so that the message arrives but its answer is lost, late or wrong.
	After bool `json:"after,omitempty"`
}

// Match selects calls by their JSON body; empty fields match all. gettoken, agent/get and media/upload have
// no such body, so a Match never fits them.
type Match struct {
	// ToUser is a userid or glob; one userid of touser must match.
	ToUser string `json:"to_user,omitempty"`
	// MsgType is the message's msgtype.
	MsgType string `json:"msgtype,omitempty"`
	// Content is a substring of any string in the body.
	Content string `json:"content,omitempty"`
}

// FaultStatus is a fault with its counters.
type FaultStatus struct {
	Fault

	Seen  int `json:"seen"`  // matching calls
	Fired int `json:"fired"` // calls hit
}

// fault is a FaultStatus guarded by the simulator's mutex.
type fault FaultStatus

// Validate returns the first problem, with the field's JSON name.
func (f Fault) Validate() error {
	if !slices.Contains(faultAPIs, f.API) {
		return fmt.Errorf("api is %q: use one of %s", f.API, strings.Join(faultAPIs, ", "))
	}
	if f.Match != nil {
		if slices.Contains(bodiless, f.API) {
			return fmt.Errorf("match: %s has no message to match; remove it", f.API)
		}
		if _, err := path.Match(f.Match.ToUser, ""); err != nil {
			return fmt.Errorf("match.to_user is %q: write a userid or a glob such as \"ops-*\"", f.Match.ToUser)
		}
	}
	if f.Skip < 0 || f.Every < 0 || f.Times < 0 || f.Delay < 0 {
		return errors.New("skip, every, times and delay cannot be negative")
	}
	if f.HTTPStatus != 0 && (f.HTTPStatus < 200 || f.HTTPStatus > 599) {
		return fmt.Errorf("http_status is %d: use 200 to 599", f.HTTPStatus)
	}
	return f.validateAction()
}

func (f Fault) validateAction() error {
	actions := 0
	for _, chosen := range []bool{f.ErrCode != 0, f.HTTPStatus != 0, f.Hang, f.Reset} {
		if chosen {
			actions++
		}
	}
	switch {
	case actions > 1:
		return errors.New("errcode, http_status, hang and reset exclude each other: keep one")
	case actions == 0 && f.Delay == 0:
		return errors.New("nothing to do: set errcode, http_status, delay, hang or reset")
	}
	return nil
}

// AddFault appends a fault to the list.
func (s *Simulator) AddFault(f Fault) error {
	if err := f.Validate(); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{Fault: f})
	return nil
}

// Faults returns the faults with their counters.
func (s *Simulator) Faults() []FaultStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]FaultStatus, len(s.faults))
	for i, f := range s.faults {
		list[i] = FaultStatus(*f)
	}
	return list
}

// ClearFaults removes every fault; calls that one of them delays proceed.
func (s *Simulator) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	close(s.cleared)
	s.cleared = make(chan struct{})
}

// dueFault returns the first fault that matches the call and is due. Matching faults before it count the call
// too.
func (s *Simulator) dueFault(c *call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.matches(c) && f.due() {
			c.cleared = s.cleared
			hit := f.Fault
			return &hit
		}
	}
	return nil
}

// due counts a call and reports whether it is hit.
func (f *fault) due() bool {
	f.Seen++
	if n := f.Seen - f.Skip; n < 1 || n%max(f.Every, 1) != 0 {
		return false
	}
	if f.Times > 0 && f.Fired >= f.Times {
		return false
	}
	f.Fired++
	return true
}

func (f *fault) matches(c *call) bool {
	if f.API != "*" && f.API != c.api {
		return false
	}
	if f.Match == nil {
		return true
	}
	if slices.Contains(bodiless, c.api) {
		return false
	}
	body, err := c.object()
	return err == nil && f.Match.matches(body)
}

func (m *Match) matches(body tolerance.Object) bool {
	to := func(user string) bool {
		ok, err := path.Match(strings.ToLower(m.ToUser), strings.ToLower(user))
		return ok && err == nil
	}
	return (m.ToUser == "" || slices.ContainsFunc(tolerance.To(body).Users, to) || tolerance.To(body).Everyone && to("@all")) &&
		(m.MsgType == "" || m.MsgType == body.Str("msgtype")) &&
		(m.Content == "" || body.Mentions(m.Content))
}

// suffer applies a fault to the call and reports whether that ends it.
func (c *call) suffer(f Fault) bool {
	c.sleep(time.Duration(f.Delay))
	switch {
	case f.Hang:
		c.sim.countLost(c.api)
		<-c.r.Context().Done()
	case f.Reset:
		c.sim.countLost(c.api)
		c.drop()
	case f.HTTPStatus != 0:
		c.sim.countLost(c.api)
		c.w.Header().Set("Content-Type", "text/html")
		c.w.WriteHeader(f.HTTPStatus)
		_, _ = c.w.Write([]byte(f.Body))
	case f.ErrCode != 0 && f.ErrMsg != "":
		c.sim.count(c.api, f.ErrCode)
		writeJSON(c.w, http.StatusOK, &status{ErrCode: f.ErrCode, ErrMsg: f.ErrMsg})
	case f.ErrCode != 0:
		c.answer(nil, f.ErrCode)
	default:
		return false
	}
	return true
}
