package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/webhook"
)

// alertsBody is Alertmanager's webhook about one alert.
func alertsBody(status, endsAt string) string {
	return `{"version":"4","receiver":"r","status":"` + status + `","groupKey":"{}","alerts":[{"status":"` + status +
		`","labels":{"alertname":"DiskFull"},"startsAt":"2026-11-22T07:58:13Z","endsAt":"` + endsAt + `"}]}`
}

func TestAMessageThatWaitsForAnotherIsSeenAndTakenBack(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	front := start(t, l.environ(), "gateway", "-c", l.gatewayConfig("", "", gatewayToken)) // and no worker
	url := gatewayURL(front)
	hook := func(body string) webhook.AcceptedMessage {
		t.Helper()
		code, text := callWith(t, http.MethodPost, url+"/v1/webhooks/alertmanager/ops?to_user=zhangsan", gatewayToken, body)
		var accepted webhook.Accepted
		if decode(t, []byte(text), &accepted); code != http.StatusAccepted || len(accepted.Messages) != 1 {
			t.Fatalf("HTTP %d %s", code, text)
		}
		return accepted.Messages[0]
	}
	fires := hook(alertsBody("firing", "0001-01-01T00:00:00Z"))
	over := hook(alertsBody("resolved", "2026-11-22T08:58:13Z"))
	if over.WaitsFor != fires.ID {
		t.Fatalf("%+v does not wait for %s", over, fires.ID)
	}
	expect := func(method string, status int, says string) {
		t.Helper()
		if code, body := call(t, method, url+"/v1/messages/"+over.ID, gatewayToken); code != status || !strings.Contains(body, says) {
			t.Errorf("%s: HTTP %d %s, want %d and %s", method, code, body, status, says)
		}
	}
	expect(http.MethodGet, http.StatusOK, `"state":"held","errcode":0,"errmsg":"waits for `+fires.ID+`"`)
	expect(http.MethodDelete, http.StatusOK, `"state":"cancelled"`)
	expect(http.MethodGet, http.StatusOK, `"state":"cancelled"`)
	expect(http.MethodDelete, http.StatusOK, `"state":"cancelled"`)
	config := l.gatewayConfig("", "", gatewayToken)
	start(t, l.environ(), "worker", "-c", config).awaitLine(`"lane is up"`)
	l.awaitRecord(config, fires.ID, "accepted")
	if n := len(l.messages()); n != 1 {
		t.Errorf("%d messages arrived, want 1", n)
	}
}

func TestGrafanaMayPutWithATokenInItsURL(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	url := gatewayURL(start(t, l.environ(), "gateway", "-c", l.gatewayConfig("", "", gatewayToken)))
	withToken := strings.Replace(url, "http://", "http://x:"+gatewayToken+"@", 1)
	body := strings.Replace(alertsBody("firing", "0001-01-01T00:00:00Z"), `"version":"4"`, `"version":"1"`, 1)
	for source, want := range map[string]int{"grafana": http.StatusAccepted, "alertmanager": http.StatusMethodNotAllowed} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, withToken+"/v1/webhooks/"+source+"/ops?to_user=a", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: HTTP %d, want %d", source, response.StatusCode, want)
		}
	}
	document := string(fetch(t, http.MethodGet, url+"/openapi.json", ""))
	for _, source := range []string{"alertmanager", "grafana", "{source}"} {
		if !strings.Contains(document, `"/v1/webhooks/`+source+`/{app}"`) {
			t.Errorf("the OpenAPI document lacks the webhooks of %s", source)
		}
	}
}
