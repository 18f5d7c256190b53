package daemon_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

// ask makes a request with a token, and returns the answer's members that are texts or numbers.
func ask(t *testing.T, method, address, token, body string) map[string]any {
	t.Helper()
	members := map[string]any{}
	_ = json.Unmarshal([]byte(exchange(t, request(t, method, address, token, body)).body), &members) // pages have none
	return members
}

// text is a member of an answer.
func text(t *testing.T, members map[string]any, name string) string {
	t.Helper()
	value, ok := members[name].(string)
	if !ok {
		t.Fatalf("%v has no %s", members, name)
	}
	return value
}

func TestWhoeverMayNotActIsSeen(t *testing.T) {
	t.Parallel()
	ops := []string{"ops"}
	d := daemontest.New(t, daemontest.Config{Apps: []string{"ops", "hr"}, Tokens: []config.Token{
		daemontest.Token("boss", ops, config.ScopeAdmin, config.ScopeRead, config.ScopeSend, config.ScopeApprove),
		daemontest.Token("guest", []string{"ops", "hr"}, config.ScopeRead),
		daemontest.Token("clerk", ops, config.ScopeRead, config.ScopeSend),
	}})
	api, _ := d.Start(daemon.Config{Gateway: true})
	const message = `{"touser":"anna","msgtype":"text","text":{"content":"hello"}}`
	id := text(t, ask(t, http.MethodPost, api+"/v1/messages", "boss", message), "id")
	order := text(t, ask(t, http.MethodPost, api+"/v1/broadcasts", "boss", `{"text":"hello","approve":true,"recipients":["anna"]}`), "id")
	const hr = "hr-01K9Z3V6C8W5N3T1Q0R7XJ4M2E"
	access := func(token string) string {
		return "?access_token=" + url.QueryEscape(text(t, ask(t, http.MethodGet, api+"/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret="+token, "", ""), "access_token"))
	}

	for _, act := range []struct{ method, path, token, body, want string }{
		{method: "POST", path: "/v1/broadcasts/" + order + "/approve", token: "boss", want: "broadcast.approve ops " + order + " the creator of a broadcast cannot approve it"},
		{method: "POST", path: "/broadcasts/" + order + "/approve", token: "boss", want: "broadcast.approve ops " + order + " the creator of a broadcast cannot approve it"},
		{method: "POST", path: "/v1/broadcasts/" + order + "/approve", token: "clerk", want: "broadcast.approve ops " + order + " forbidden"},
		{method: "POST", path: "/broadcasts/" + order + "/approve", token: "clerk", want: "broadcast.approve ops " + order + " forbidden"},
		{method: "POST", path: "/v1/broadcasts/" + order + "/cancel", token: "clerk", want: "broadcast.cancel ops " + order + " forbidden"},
		{method: "POST", path: "/broadcasts/" + order + "/cancel", token: "clerk", want: "broadcast.cancel ops " + order + " forbidden"},
		{method: "POST", path: "/v1/broadcasts/" + order + "/recall", token: "clerk", want: "broadcast.recall ops " + order + " forbidden"},
		{method: "POST", path: "/broadcasts/" + order + "/recall", token: "clerk", want: "broadcast.recall ops " + order + " forbidden"},
		{method: "POST", path: "/v1/broadcasts/" + order + "/replay", token: "clerk", want: "broadcast.replay ops " + order + " forbidden"},
		{method: "DELETE", path: "/v1/messages/" + id, token: "clerk", want: "message.cancel ops " + id + " forbidden"},
		{method: "POST", path: "/v1/messages/" + id + "/recall", token: "clerk", want: "message.recall ops " + id + " forbidden"},
		{method: "POST", path: "/messages/" + id + "/recall", token: "clerk", want: "message.recall ops " + id + " forbidden"},
		{method: "POST", path: "/v1/messages/" + id + "/replay", token: "clerk", want: "message.replay ops " + id + " forbidden"},
		{method: "POST", path: "/v1/messages/" + hr + "/recall", token: "boss", want: "message.recall hr " + hr + " forbidden"},
		{method: "POST", path: "/v1/messages/" + hr + "/card", token: "boss", body: `{}`, want: "card.update hr " + hr + " forbidden"},
		{method: "POST", path: "/apps/ops/pause", token: "clerk", want: "app.pause ops  forbidden"},
		{method: "POST", path: "/apps/hr/pause", token: "boss", want: "app.pause hr  forbidden"},
		{method: "POST", path: "/dashboard/api/queues/ops:bulk:pause", token: "clerk", want: "dashboard  POST /queues/ops:bulk:pause the dashboard takes"},
		{method: "POST", path: "/dashboard/api/queues/ops:bulk:pause", token: "guest", want: "dashboard  POST /queues/ops:bulk:pause forbidden"},
		{method: "POST", path: "/cgi-bin/message/recall", token: "clerk", body: `{"msgid":"` + id + `"}`, want: "message.recall ops " + id + " forbidden"},
		{method: "POST", path: "/cgi-bin/message/recall", token: "clerk", body: `{"msgid":"of-wecom"}`, want: "message.recall  of-wecom forbidden"},
		{method: "POST", path: "/cgi-bin/message/recall", token: "boss", body: `{"msgid":"of-wecom"}`, want: "message.recall ops of-wecom message/recall"},
		{
			method: "POST", path: "/cgi-bin/message/update_template_card", token: "boss",
			body: `{"response_code":"of-a-callback","agentid":1000002,"userids":["a"],"button":{"replace_name":"x"}}`, want: "card.update ops  message/update_template_card",
		},
		// Who sends, or looks at something, does not act.
		{method: "POST", path: "/v1/messages", token: "boss", body: strings.Replace(message, "{", `{"app":"hr",`, 1), want: ""},
		{method: "GET", path: "/activity", token: "clerk", want: ""},
		{method: "GET", path: "/v1/messages/" + hr, token: "boss", want: ""},
	} {
		before := newest(t, d)
		address := api + act.path
		if strings.HasPrefix(act.path, "/cgi-bin/") {
			address += access(act.token)
		}
		ask(t, act.method, address, act.token, act.body)
		var seen []string
		for _, a := range newest(t, d)[len(before):] {
			seen = append(seen, strings.Join([]string{string(a.Action), a.App, a.Target, a.Error}, " "))
			if a.Actor != act.token || a.From != "127.0.0.1" || a.Error == "" {
				t.Errorf("%s %s as %s: %+v", act.method, act.path, act.token, a)
			}
		}
		if act.want == "" && len(seen) > 0 || act.want != "" && (len(seen) != 1 || !strings.HasPrefix(seen[0], act.want)) {
			t.Errorf("%s %s as %s is seen as %q, want %q", act.method, act.path, act.token, seen, act.want)
		}
	}
}

// newest is the whole trail, oldest first.
func newest(t *testing.T, d *daemontest.Deployment) []activity.Act {
	t.Helper()
	acts, err := d.Activity().Newest(t.Context(), activity.Query{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(acts)
	return acts
}

func TestTheAccessLogNamesMessageAndActor(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Tokens: []config.Token{daemontest.Token("boss", []string{"ops"}, config.ScopeAdmin, config.ScopeRead, config.ScopeSend)}})
	api, _ := d.Start(daemon.Config{Gateway: true})
	const message = `{"touser":"anna","msgtype":"text","agentid":1000002,"text":{"content":"hello"}}`
	token := ask(t, http.MethodGet, api+"/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=boss", "", "")
	var want []string
	id := text(t, ask(t, http.MethodPost, api+"/v1/messages", "boss", message), "id")
	want = append(want, "POST /v1/messages "+id+" boss")
	ask(t, http.MethodGet, api+"/v1/messages/"+id, "boss", "")
	want = append(want, "GET /v1/messages/"+id+" "+id+" boss")
	ask(t, http.MethodDelete, api+"/v1/messages/"+id, "boss", "")
	want = append(want, "DELETE /v1/messages/"+id+" "+id+" boss")
	sent := text(t, ask(t, http.MethodPost, api+"/cgi-bin/message/send?access_token="+url.QueryEscape(text(t, token, "access_token")), "", message), "msgid")
	want = append(want, "POST /cgi-bin/message/send "+sent+" boss")
	alert := ask(t, http.MethodPost, api+"/v1/webhooks/alertmanager/ops?to_user=anna", "boss",
		`{"version":"4","status":"firing","groupKey":"{}","alerts":[{"status":"firing","labels":{"alertname":"DiskFull"},"startsAt":"2026-11-22T07:58:13Z"}]}`)
	messages, _ := alert["messages"].([]any)
	first, _ := messages[0].(map[string]any)
	want = append(want, "POST /v1/webhooks/alertmanager/ops "+text(t, first, "id")+" boss")
	awaitLog(t, d, `"path":"/v1/webhooks/alertmanager/ops"`, 1)

	var got []string
	for line := range strings.Lines(d.Log.String()) {
		var request struct {
			Message, Method, Path, Token string
			MessageID                    string `json:"message_id"`
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if request.Message == "request" && request.Path != "/cgi-bin/gettoken" {
			got = append(got, strings.Join([]string{request.Method, request.Path, request.MessageID, request.Token}, " "))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
