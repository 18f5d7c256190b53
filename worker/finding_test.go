package worker

import (
	"errors"
	"testing"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

func TestOnlyAnAnswerOfWeComEndsARowOfCallsWithoutOne(t *testing.T) {
	t.Parallel()
	request := message.SendTextRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}}
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"the message was accepted":    {want: true},
		"WeCom is busy":               {err: &wecom.Error{API: message.APISend, Code: -1}, want: true},
		"Redis did not give a token":  {err: &wecom.UnsentError{Err: errors.New("shared token: EOF")}},
		"there was no connection":     {err: &wecom.CallError{API: message.APISend, Err: errors.New("refused")}},
		"the answer came too late":    {err: &wecom.CallError{API: message.APISend, Sent: true, Err: errors.New("late")}},
		"the recipients were refused": {err: &wecom.Error{API: message.APISend, Code: 81013}, want: true},
	} {
		d := &delivery{request: request, admission: tasks.Admission{Unanswered: true}}
		answered := false
		for _, f := range new(lane).findingsOf(d, tc.err) {
			answered = answered || f.Kind == tasks.Answered
		}
		if answered != tc.want {
			t.Errorf("%s: counts as an answer: %t, want %t", name, answered, tc.want)
		}
	}
}

func TestACallSlowerThanTheOthersIsReported(t *testing.T) {
	t.Parallel()
	request := message.SendTextRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}}
	late := &wecom.CallError{API: message.APISend, Sent: true, Err: errors.New("late")}
	for name, tc := range map[string]struct {
		took, slowest time.Duration
		err           error
		want          time.Duration // 0 for no report
	}{
		"the first call":                        {took: time.Millisecond, want: time.Millisecond},
		"a slower one":                          {took: 2 * time.Millisecond, slowest: time.Millisecond, want: 2 * time.Millisecond},
		"a quicker one":                         {took: time.Millisecond, slowest: 2 * time.Millisecond},
		"a slower one that WeCom refused":       {took: 2 * time.Millisecond, slowest: time.Millisecond, err: &wecom.Error{API: message.APISend, Code: 81013}, want: 2 * time.Millisecond},
		"one that took very long":               {took: time.Minute, slowest: time.Millisecond, want: tasks.MaxLateness},
		"another that took very long":           {took: time.Minute, slowest: tasks.MaxLateness},
		"a quick one without an answer":         {took: time.Millisecond, slowest: time.Second, err: late, want: tasks.MaxLateness},
		"another one without an answer":         {took: time.Millisecond, slowest: tasks.MaxLateness, err: late},
		"one that did not reach WeCom":          {took: time.Second, err: &wecom.CallError{API: message.APISend, Err: errors.New("refused")}},
		"one that was not made":                 {took: time.Second, err: &wecom.UnsentError{Err: errors.New("shared token: EOF")}},
		"a message that was settled before one": {},
	} {
		d := &delivery{request: request, took: tc.took, admission: tasks.Admission{Slowest: tc.slowest}}
		var got time.Duration
		for _, f := range new(lane).findingsOf(d, tc.err) {
			if f.Kind == tasks.Late {
				got = f.Took
			}
		}
		if got != tc.want {
			t.Errorf("%s: reported with %s, want %s", name, got, tc.want)
		}
	}
}
