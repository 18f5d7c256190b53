package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const purchaseCard = `{"app":"ops","touser":"chen.li","msgtype":"template_card","template_card":{"card_type":"button_interaction",` +
	`"task_id":"apr-1","main_title":{"title":"Purchase"},"button_list":[{"text":"Approve","key":"ok"}]}}`

func TestACardIsChangedByREST(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	send := func() string {
		return decoded[tasks.Receipt](t, b.do("POST", "/v1/messages", purchaseCard, as(senderToken)).body).ID
	}
	early := send()
	if p := b.problem(b.do("POST", "/v1/messages/"+early+"/card", `{"button":{"replace_name":"x"}}`, as(senderToken))); p.Status != 409 || !strings.Contains(p.Detail, "is queued") {
		t.Errorf("a card that was not sent yet: %+v, want 409", p)
	}
	b.work()
	id := send()
	waittest.Until(t, "the card is sent", func() bool { return b.ended(id) })
	path := "/v1/messages/" + id + "/card"
	answer := b.do("POST", path, `{"button":{"replace_name":"Approved"}}`, as(senderToken))
	update := decoded[tasks.Receipt](t, answer.body)
	if answer.status != http.StatusAccepted || update.State != tasks.Queued {
		t.Fatalf("answer %d %s, want 202", answer.status, answer.body)
	}
	waittest.Until(t, "the card has changed", func() bool { return b.ended(update.ID) })
	record := decoded[tasks.Record](t, b.do("GET", "/v1/messages/"+update.ID, "", as(readerToken)).body)
	if record.State != tasks.Accepted || record.UpdateOf != id || !slices.ContainsFunc(b.sim.Messages(), func(m wecomtest.Message) bool { return m.Updated }) {
		t.Errorf("record %+v, want an accepted update", record)
	}
	again := decoded[tasks.Receipt](t, b.do("POST", path, `{"button":{"replace_name":"Approved"}}`, as(senderToken)).body)
	if again.ID != update.ID || !again.Duplicate || again.State != tasks.Accepted {
		t.Errorf("the repeat is %+v, want a duplicate", again)
	}
	bare := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Cards = nil })
	for name, tc := range map[string]struct {
		gateway     *bundle
		path, body  string
		token, says string
		status      int
	}{
		"the code is used": {gateway: b, path: path, body: `{"button":{"replace_name":"Rejected"}}`, token: senderToken, says: "was given to update " + update.ID, status: 409},
		"no such message": {
			gateway: b, path: "/v1/messages/ops-01JD5K3V8N0000000000000000/card",
			body: `{"button":{"replace_name":"x"}}`, token: senderToken, says: "no such message", status: 404,
		},
		"no id": {gateway: b, path: "/v1/messages/nonsense/card", body: `{"button":{"replace_name":"x"}}`, token: senderToken, says: "no such message", status: 404},
		"another app": {
			gateway: b, path: "/v1/messages/nope-01JD5K3V8N0000000000000000/card",
			body: `{"button":{"replace_name":"x"}}`, token: senderToken, says: "may not use the app", status: 403,
		},
		"readers change nothing":  {gateway: b, path: path, body: `{"button":{"replace_name":"x"}}`, token: readerToken, says: "send", status: 403},
		"no JSON":                 {gateway: b, path: path, body: `x`, token: senderToken, says: "not JSON", status: 400},
		"neither button nor card": {gateway: b, path: path, body: `{}`, token: senderToken, says: "button: set either", status: 422},
		"another agent":           {gateway: b, path: path, body: `{"agentid":7,"button":{"replace_name":"x"}}`, token: senderToken, says: "agentid: 7, but app ops is agent", status: 422},
		"not implemented":         {gateway: bare, path: path, body: `{}`, token: senderToken, says: "not implemented", status: 501},
	} {
		if p := tc.gateway.problem(tc.gateway.do("POST", tc.path, tc.body, as(tc.token))); p.Status != tc.status || !strings.Contains(p.Detail, tc.says) {
			t.Errorf("%s: %d %s, want %d %q", name, p.Status, p.Detail, tc.status, tc.says)
		}
	}
}
