package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// get asks a handler and returns status and body.
func get(t *testing.T, handler http.Handler, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func ready(context.Context) error { return nil }

func TestMetricsCountRecipientsByFate(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for range 2 {
		m.settled(tasks.Record{
			App: "ops", Type: message.TypeText, Priority: tasks.Critical, State: tasks.Partial,
			Recipients: tasks.Recipients{
				Accepted: 7, Invalid: []string{"zhao.min", "old_user"}, Unlicensed: []string{"temp01"},
				InvalidParties: []string{"99"}, InvalidTags: []string{"3"},
			},
		})
	}
	_, text := get(t, m.handler(ready), "/metrics")
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
	wecomClient

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
			m := newMetrics()
			err := m.instrument("ops", failingSender{err: tt.err}).Post(t.Context(), message.APISend, nil, nil)
			if !errors.Is(err, tt.err) {
				t.Errorf("Post() = %v, want %v untouched", err, tt.err)
			}
			_, text := get(t, m.handler(ready), "/metrics")
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

func TestMetricsCountTheCallsOfAGateway(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config := l.gatewayConfig("", "", gatewayToken)
	front := start(t, l.environ(), "gateway", "-c", config)
	url := gatewayURL(front)
	client, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: gatewayToken, BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UploadMedia(t.Context(), wecom.MediaFile, "a.txt", []byte("some text")); err != nil {
		t.Fatal(err)
	}
	start(t, l.environ(), "worker", "-c", config).awaitLine(`"lane is up"`)
	_, sent := post(t, url, gatewayToken, "k")
	l.awaitRecord(config, sent.ID, tasks.Accepted)
	if code, body := call(t, http.MethodPost, url+"/v1/messages/"+sent.ID+"/recall", gatewayToken); code != http.StatusOK {
		t.Fatalf("recall: HTTP %d %s", code, body)
	}
	text := string(fetch(t, http.MethodGet, url+"/metrics", ""))
	for _, api := range []string{"media/upload", message.APIRecall} {
		if want := `wecomq_api_requests_total{api="` + api + `",app="ops",errcode="0"} 1`; !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	gone := func(context.Context) error { return redisconn.Explain("redis://inner:6379/3", syscall.ECONNREFUSED) }
	tests := map[string]struct {
		path  string
		ready func(context.Context) error
		code  int
		body  string
	}{
		"a worker that can work is ready":           {"/readyz", ready, http.StatusOK, "ok\n"},
		"one that cannot says why, but not where":   {"/readyz", gone, http.StatusServiceUnavailable, "Redis: connection refused\n"},
		"and is alive, so that nobody restarts it":  {"/healthz", gone, http.StatusOK, "ok\n"},
		"there is nothing else to see for visitors": {"/", ready, http.StatusNotFound, "404 page not found\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, body := get(t, newMetrics().handler(tt.ready), tt.path)
			if code != tt.code || body != tt.body {
				t.Errorf("GET %s = %d %q, want %d %q", tt.path, code, body, tt.code, tt.body)
			}
		})
	}
}
