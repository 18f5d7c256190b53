package worker

import (
	"errors"
	"testing"

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
