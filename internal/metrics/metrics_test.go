package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// get makes a request to a handler and returns status and body.
func get(t *testing.T, handler http.Handler, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func TestMetricsCountRecipientsByOutcome(t *testing.T) {
	t.Parallel()
	m := New(Config{})
	for range 2 {
		m.Settled(tasks.Record{
			App: "ops", Type: message.TypeText, Priority: tasks.Critical, State: tasks.Partial,
			Recipients: tasks.Recipients{
				Accepted: 7, Invalid: []string{"zhao.min", "old_user"}, Unlicensed: []string{"temp01"},
				InvalidParties: []string{"99"}, InvalidTags: []string{"3"},
			},
		})
	}
	_, text := get(t, m.Handler(), "/metrics")
	for _, want := range []string{
		`wecomq_messages_total{app="ops",priority="critical",state="partial",type="text"} 2`,
		`wecomq_recipients_total{app="ops",result="accepted"} 14`,
		`wecomq_recipients_total{app="ops",result="invalid"} 8`,
		`wecomq_recipients_total{app="ops",result="unlicensed"} 2`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "zhao.min") {
		t.Error("a user id is a label")
	}
}

// failingSender answers every call with the same error, or none.
type failingSender struct {
	Client

	err error
}

func (s failingSender) Post(context.Context, string, []byte, any) error { return s.err }

func TestMetricsCountCallsByErrcode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want string
	}{
		"a call that worked":            {nil, "0"},
		"one that WeCom refused":        {&wecom.Error{API: message.APISend, Code: 45009}, "45009"},
		"one that found WeCom busy":     {&wecom.Error{API: message.APISend, Code: -1}, "-1"},
		"one that nobody has answered":  {&wecom.CallError{API: message.APISend, Err: errors.New("reset")}, "none"},
		"one without an access token":   {&wecom.Error{API: wecom.APIGetToken, Code: 40001}, "40001"},
		"one that never left, for long": {context.Canceled, "none"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := New(Config{})
			err := m.CountCalls("ops", failingSender{err: tt.err}).Post(t.Context(), message.APISend, nil, nil)
			if !errors.Is(err, tt.err) {
				t.Errorf("Post() = %v, want %v untouched", err, tt.err)
			}
			_, text := get(t, m.Handler(), "/metrics")
			for _, want := range []string{
				`wecomq_api_requests_total{api="message/send",app="ops",errcode="` + tt.want + `"} 1`,
				`wecomq_api_request_duration_seconds_count{api="message/send",app="ops"} 1`,
			} {
				if !strings.Contains(text, want+"\n") {
					t.Errorf("no %s", want)
				}
			}
		})
	}
}
